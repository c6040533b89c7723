"""AGREE: terms are set, agreements come in; and the gate that asks for both when a deal is registered in the portal.

The file is kept first, its row is committed after: a file that no row names is an orphan, which `steps/operate/sweep_files.py` removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Lifecycle, Policy, Refusal
from sync_worker.domain.distributors.terms import Footing, Pair, Terms, registration_refusal, setting_refusal
from sync_worker.domain.distributors.upload import AGREEMENT, shown_name
from sync_worker.files import Files
from sync_worker.steps.core.crm_links import owe_company
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.distributors.company_words import uppers_of
from sync_worker.steps.distributors.parents import binding_parent
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import deals
from sync_worker.store.distributors import agreements, subgroups, terms
from sync_worker.store.distributors.agreements import Agreement, AgreementFile


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file as a person sends it, under the name that it has there."""

    name: str
    chunks: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Upload:
    """A signed agreement that comes in. **Shapes** `id`: the one that it gets; `actor`: who brings it."""

    id: str
    pair: Pair
    file: IncomingFile
    actor: str


def upload(store: Store, portal: str, files: Files, incoming: Upload, *, finish: Callable[[Tx], None] | None = None) -> Agreement | Refusal:
    """One more version of the pair's agreement, or why it is not taken: then nothing is kept. **Raises** TransientError, StoreDown.

    **Shapes** `finish` is called inside the commit.
    """
    shown = shown_name(incoming.file.name)
    kept = files.keep(f"{portal}/agreements/{incoming.id}", incoming.file.chunks, name=shown, limits=AGREEMENT)
    if isinstance(kept, Refusal):
        return kept
    with store.transaction(portal) as tx:
        file = AgreementFile(incoming.id, shown, kept.media_type, kept.size_bytes, kept.sha256, kept.key)
        added = agreements.add(tx, incoming.pair, file, actor=incoming.actor)
        if finish:
            finish(tx)
        return added


def put_on_file(tenant: Tenant, files: Files, company: Company, upper: Company, file: IncomingFile, *, actor: Actor) -> Agreement | Refusal:
    """A signed agreement that a member of the upper company brings; the CRM hears where the lower one stands. **Raises** as `upload`."""
    refused = setting_refusal(company, upper, actor)
    if refused:
        return refused
    pair = Pair(company.id, upper.id)
    with tenant.run("agreement", COMPANY) as run_id:
        incoming = Upload(tenant.services.new_id(), pair, file, actor.name)
        return upload(tenant.store, tenant.name, files, incoming, finish=lambda tx: owe_standing(tx, company, pair, run_id))


def set_terms(
    tenant: Tenant, company: Company, upper: Company, agreed: Terms, *, actor: Actor, finish: Callable[[Tx], None] | None = None
) -> Refusal | None:
    """From now on these terms hold between the two; the CRM hears whether the lower one may register."""
    refused = setting_refusal(company, upper, actor)
    if refused:
        return refused
    pair = Pair(company.id, upper.id)
    with tenant.run("terms", COMPANY) as run_id, tenant.store.transaction(tenant.name) as tx:
        terms.begin(tx, pair, agreed, actor.name)
        owe_standing(tx, company, pair, run_id)
        if finish:
            finish(tx)
    return None


def owe_standing(tx: Tx, company: Company, pair: Pair, run_id: str) -> None:
    """The CRM shows where a company stands with the one above it; what it has agreed with others it does not show."""
    if uppers_of(tx, [company]).get(company.id) == pair:
        owe_company(tx, company, run_id)


def gate(tx: Tx, deal: Deal, policy: Policy) -> Refusal | None:
    """Why the terms and agreements of a deal's pairs forbid to submit it in the portal. A deal that begins in the CRM is asked at finalize.

    A subgroup's deal is asked for those with its distributor, even if it names another second partner.
    """
    if deal.lifecycle is Lifecycle.DRAFT:
        return None
    named = [company_id for company_id in (deal.owner_company, deal.second_partner) if company_id]
    known = companies.by_ids(tx, named)
    ladder = [*(known[company_id] for company_id in named), *([vendor] if (vendor := companies.vendor(tx)) else [])]
    pairs = {(lower.id, upper.id): (lower, upper) for lower, upper in (*_under_parent(tx, deal, policy), *pairwise(ladder))}
    return registration_refusal(_type_of(deal), [_footing(tx, lower, upper) for lower, upper in pairs.values()])


def finalize_gate(tx: Tx, deal: Deal, policy: Policy) -> Refusal | None:
    """Why a subgroup's deal may not be finalized: its terms with its distributor, or their agreement, are missing.

    Whether the subgroup may register is asked once: of a deal that began in the CRM now, of the others when they were registered.
    """
    footings = [_footing(tx, lower, upper) for lower, upper in _under_parent(tx, deal, policy)]
    if deals.began_on(tx, deal.id) != "crm":
        footings = [replace(one, terms=replace(one.terms, may_register=True) if one.terms else None) for one in footings]
    return registration_refusal(_type_of(deal), footings)


def _type_of(deal: Deal) -> str | None:
    deal_type = deal.values.get("deal_type")
    return str(deal_type) if deal_type else None


def _under_parent(tx: Tx, deal: Deal, policy: Policy) -> list[tuple[Company, Company]]:
    """The deal's owner company with the distributor whose subgroup it is, where it is one."""
    owner = companies.by_ids(tx, [deal.owner_company]).get(deal.owner_company) if deal.owner_company else None
    parent = binding_parent(tx, owner, policy)
    return [(owner, parent)] if owner and parent else []


def _footing(tx: Tx, lower: Company, upper: Company) -> Footing:
    pair = Pair(lower.id, upper.id)
    parenthood = subgroups.lasting(tx, [lower.id]).get(lower.id)
    is_subgroup = parenthood is not None and parenthood.parent_id == upper.id
    return Footing(
        lower,
        upper,
        terms.current(tx, [pair]).get(pair),
        is_subgroup=is_subgroup,
        has_agreement=is_subgroup and agreements.is_on_file(tx, pair),
    )
