"""Everything one chunk of deal records needs, fetched at once: links, deals, companies, pairs. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.arrival import Verdict, judge_from_crm
from sync_worker.domain.sync.own_key import key_of
from sync_worker.steps.associations.associate import associated
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.tenant import COMPANY, DEAL
from sync_worker.steps.distributors.parents import binding_parents, is_waived
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.distributors import waivers
from sync_worker.store.sync import outbox

REFERENCES = ("owner_company", "second_partner")


class Shelf:
    """What is known of a chunk's records before it is stored.

    **Shapes** `links` and `readings` by CRM id; `deals`, `disputed` and `decided` by deal id; `homes` too, of deals whose key stands on
    another deal's record, or on one that we have not linked yet; `sent`: what may be under way for a deal, of those deals and of any whose
    record has associations, which are written by calls of their own; `company_ids`: our id for every CRM id that the records name as a
    company, losers of merges included.
    """

    def __init__(self, tx: Tx, chunk: Chunk, policy: Policy) -> None:
        self._tx = tx
        self._chunk = chunk
        self._policy = policy
        self.links = links.by_crm_ids(tx, chunk.record.record, chunk.crm_ids)
        self.readings = {native.crm_id: chunk.record.normalize(native.fields) for native in chunk.natives if not native.is_deleted}
        others = self._other_keys()
        self.deals = deals.by_ids(tx, {link.deal_id for link in self.links.values()} | others)
        self.homes = links.homes(tx, others & self.deals.keys())
        self.sent = outbox.sent(tx, DEAL, (others & self.deals.keys() - self.homes.keys()) | self._linked_by_calls())
        self.disputed = conflicts.open_fields(tx, list(self.deals))
        self._survivors: dict[str, str] = {}
        self.decided = conflicts.decided(tx, self.disputed.keys()) if self.disputed else {}
        self.company_ids = self._fetch_companies()
        self._companies, self._pairs = self._fetch_pairs()
        self._parents = binding_parents(tx, self._owners(), policy)
        self._waivers = waivers.of_deals(tx, list(self.deals)) if self._parents else {}

    def verdict(self, owner_id: Value, second_id: Value) -> Verdict:
        """Whether the second partner that stands on a record is taken, and what to say of it."""
        second = self._companies.get(str(second_id))
        if second is None or not self._policy.is_two_tier:  # without two tiers no record says one: it is the portal's, from before
            return Verdict(True)
        options = [second] if (str(owner_id), second.id) in self._pairs else []
        judged = judge_from_crm(self._companies.get(str(owner_id)), second, options=options, policy=self._policy)
        parent = self._parents.get(str(owner_id))
        return replace(judged, is_accepted=True) if parent and parent.id == second.id else judged

    def parent(self, deal_id: str, owner_id: Value) -> Company | None:
        """The distributor that this deal keeps as long as that company owns it; None where it may name whom it likes."""
        parent = self._parents.get(str(owner_id))
        return None if parent is None or is_waived(self._waivers.get(deal_id), str(owner_id), parent) else parent

    def is_home(self, crm_id: str) -> bool:
        """Whether a deal lives in that record already."""
        return crm_id in self.links or crm_id in links.by_crm_ids(self._tx, self._chunk.record.record, [crm_id])

    def survivor(self, company_crm_id: str) -> str:
        """Under which id that company's record goes on; its own where it lost no merge."""
        return self._survivors.get(company_crm_id, company_crm_id)

    def name(self, crm_id: str) -> str:
        """What people call the record; its id where it says nothing readable."""
        reading = self.readings.get(crm_id)
        name = (reading.values.get("name") or reading.values.get("prospect_name")) if reading else None
        return str(name or crm_id)

    def key(self, native: NativeRecord) -> str:
        """The key that the record carries; "" where it has none."""
        return key_of(native.fields.get(self._chunk.record.key_field))

    def _other_keys(self) -> set[str]:
        """Keys that stand on records of other deals, or on records that we have not linked yet."""
        keys = {native.crm_id: self.key(native) for native in self._chunk.natives}
        linked = {crm_id: link.deal_id for crm_id, link in self.links.items()}
        return {key for crm_id, key in keys.items() if key and key != linked.get(crm_id)}

    def _linked_by_calls(self) -> set[str]:
        """Deals that we know, where writing one takes calls of its own for its companies."""
        has_associations = any(field.is_association for field in self._chunk.record.fields.values())
        return {link.deal_id for link in self.links.values()} if has_associations else set()

    def _fetch_companies(self) -> dict[str, str]:
        named = {str(reading.values[name]) for reading in self.readings.values() for name in REFERENCES if reading.values.get(name)}
        self._survivors = links.survivors(self._tx, COMPANY, named)
        ours = companies.ids_by_crm_id(self._tx, named | set(self._survivors.values()))
        return {crm_id: ours[end] for crm_id in named if (end := self.survivor(crm_id)) in ours}

    def _owners(self) -> set[str]:
        """The owner companies that records or deals name."""
        named = (self.company_ids.get(str(reading.values.get("owner_company"))) for reading in self.readings.values())
        return {owner for owner in (*named, *(stored.deal.owner_company for stored in self.deals.values())) if owner}

    def _fetch_pairs(self) -> tuple[Mapping[str, Company], set[tuple[str, str]]]:
        """The companies named by records or deals, and which of the pairs are associated."""
        pairs: set[tuple[str, str]] = set()
        for crm_id, reading in self.readings.items():
            link = self.links.get(crm_id)
            stored = self.deals.get(link.deal_id) if link else None
            owner = self.company_ids.get(str(reading.values.get("owner_company"))) or (stored.deal.owner_company if stored else None)
            second = self.company_ids.get(str(reading.values.get("second_partner"))) or (stored.deal.second_partner if stored else None)
            if owner and second:
                pairs.add((owner, second))
        return associated(self._tx, pairs)
