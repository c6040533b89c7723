"""What one chunk of deal records changes, gathered while it is judged, written last: deals, history, links, conflicts, the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync_worker.domain.core.deal import Actor, Deal, differing
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Conflict
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import FieldChange, StoredDeal
from sync_worker.domain.deals.link import Link
from sync_worker.domain.deals.standing import Untaken, came_back
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.standing import Stands, close_decided, stand
from sync_worker.steps.deals.twins import part_twins
from sync_worker.steps.distributors.parents import end_waivers
from sync_worker.steps.tell.notify import Change, tell_changes
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.sync import outbox

CRM_ACTOR = Actor("CRM", None, "crm")


class Draft:
    """The changes of one chunk. **Shapes** `owing`: ids of deals that have something to write."""

    def __init__(self, tx: Tx, tenant: Tenant, run_id: str) -> None:
        self._tx = tx
        self._run_id = run_id
        self._tenant = tenant
        self._deals: dict[str, StoredDeal] = {}
        self._before: dict[str, Deal] = {}
        self._reasons: dict[str, str] = {}
        self._links: list[Link] = []
        self._changes: list[FieldChange] = []
        self._conflicts: list[tuple[str, str, Conflict]] = []
        self._standing: list[Stands] = []
        self._returned: set[str] = set()
        self.owing: set[str] = set()

    def latest(self, stored: StoredDeal) -> StoredDeal:
        """The deal as this chunk has left it so far."""
        return self._deals.get(stored.deal.id, stored)

    def begin(self, deal: Deal) -> None:
        """A deal that begins in the CRM."""
        self._begin(deal, "began in the CRM")

    def take_back(self, deal: Deal) -> None:
        """A deal that the database lost. Its people were told of it when it was registered, and are not told again."""
        self._returned.add(deal.id)
        self._begin(deal, "came back from the CRM, where its record carries our key")
        self._standing += [Stands(deal, problem) for problem in came_back(deal)]

    def retake(self, stored: StoredDeal, said: Mapping[str, Value], note: str) -> Deal:
        """The deal after our own last words, which its record has kept; the very same object where it held them. Nobody is told again."""
        self._returned.add(stored.deal.id)
        return self.change(stored, said, from_crm=frozenset(said), notes=dict.fromkeys(said, note))

    def _begin(self, deal: Deal, note: str) -> None:
        self._deals[deal.id] = StoredDeal(deal, 1, self._tx.now, self._tx.now)
        whole = {name: value for name, value in deal.values.items() if value is not None}
        self._changes.append(FieldChange(deal.id, 1, "", "crm", CRM_ACTOR.name, self._run_id, None, whole, note))

    def change(
        self, stored: StoredDeal, changes: Mapping[str, Value], *, from_crm: frozenset[str], notes: Mapping[str, str], reason: str = ""
    ) -> Deal:
        """The deal after the changes that change something; the very same object where none does. **Shapes** `reason`: why, for people."""
        names = differing(stored.deal, changes)
        if not names:
            return stored.deal
        after = stored.deal.changed({name: changes[name] for name in names})
        version = stored.version + 1
        self._before.setdefault(after.id, stored.deal)
        if reason:
            self._reasons[after.id] = reason
        self._deals[after.id] = replace(stored, deal=after, version=version)
        self._changes += [
            FieldChange(
                after.id,
                version,
                name,
                "crm" if name in from_crm else "worker",
                CRM_ACTOR.name,
                self._run_id,
                stored.deal.values.get(name),
                after.values.get(name),
                notes.get(name, ""),
            )
            for name in sorted(names)
        ]
        return after

    def refuse(self, stored: StoredDeal, problems: Sequence[Problem], untaken: Sequence[Untaken]) -> None:
        """What the CRM said of a deal and was not taken over: in its history, and as problems that stand."""
        stored, said = self.latest(stored), {one.field for one in untaken}
        deal = stored.deal
        self._standing += [Stands(deal, problem, is_said_now=problem.field in said) for problem in problems]
        if not untaken:
            return
        version = stored.version + 1
        self._before.setdefault(deal.id, deal)
        self._deals[deal.id] = replace(stored, version=version)
        self._changes += [
            FieldChange(deal.id, version, one.field, "worker", CRM_ACTOR.name, self._run_id, one.crm, one.portal, one.why)
            for one in untaken
        ]

    def lose(self, stored: StoredDeal, problem: Problem, lost: Mapping[str, str]) -> None:
        """A conversion that lost fields of the deal's record: as a problem that stands. **Shapes** `lost` as in `Stands`."""
        self._standing.append(Stands(self.latest(stored).deal, problem, lost=lost))

    def link(self, *changed: Link) -> None:
        """Links as they are now."""
        self._links += changed

    def dispute(self, deal_id: str, found: tuple[Conflict, ...]) -> set[str]:
        """Conflicts of a deal. Returns the fields that wait for a person."""
        self._conflicts += [(self._tenant.services.new_id(), deal_id, conflict) for conflict in found]
        return {conflict.field for conflict in found if not conflict.taken}

    def save(self) -> None:
        """Writes all of it; the outbox last."""
        deals.save(self._tx, list(self._deals.values()))
        deals.record_changes(self._tx, self._changes)
        links.save(self._tx, self._links)
        conflicts.record(self._tx, self._conflicts, self._run_id)
        outbox.owe(self._tx, DEAL, self.owing, self._run_id)
        changed = [(before, self._deals[deal_id].deal) for deal_id, before in self._before.items()]
        part_twins(self._tx, changed)
        close_decided(self._tx, changed)
        end_waivers(self._tx, changed)
        stand(self._tx, self._tenant, self._standing, self._run_id)
        news = [stored for deal_id, stored in self._deals.items() if deal_id not in self._returned]
        changes = [
            Change(self._before.get(stored.deal.id), stored.deal, stored.version, self._reasons.get(stored.deal.id, "")) for stored in news
        ]
        tell_changes(self._tx, self._tenant, changes, actor=CRM_ACTOR)
