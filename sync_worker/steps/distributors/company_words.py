"""What the portal says of a company to the CRM: its name and contracts, and where it stands with the company above it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.values import Value
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import agreements, subgroups, terms

SIGNED, MISSING = "signed", "missing"  # states of an agreement, as the CRM shows them


def words_of(tx: Tx, known: Collection[Company]) -> dict[str, Mapping[str, Value]]:
    """Canonical fields by company, as the portal holds them."""
    uppers = uppers_of(tx, known)
    agreed = terms.current(tx, uppers.values())
    return {company.id: _words(tx, company, uppers.get(company.id), agreed) for company in known}


def uppers_of(tx: Tx, known: Collection[Company]) -> dict[str, Pair]:
    """Whose terms each company stands under: a subgroup its parent's, a second partner the vendor's. The others stand under no terms."""
    parents = subgroups.lasting(tx, [company.id for company in known])
    vendor = companies.vendor(tx)
    found = {company_id: Pair(company_id, subgroup.parent_id) for company_id, subgroup in parents.items()}
    if vendor:
        seconds = [company.id for company in known if company.account_type is AccountType.SECOND_PARTNER]
        found |= {company_id: Pair(company_id, vendor.id) for company_id in seconds}
    return found


def _words(tx: Tx, company: Company, pair: Pair | None, agreed: Mapping[Pair, Terms]) -> Mapping[str, Value]:
    return {
        "name": company.name,
        "portal_status": company.status.value,
        "account_type": company.account_type.value,
        "second_partners": company.second_partner_values,
        "may_register": pair is not None and pair in agreed and agreed[pair].may_register,
        "agreement_state": _agreement(tx, pair),
    }


def _agreement(tx: Tx, pair: Pair | None) -> str | None:
    if pair is None:
        return None
    return SIGNED if agreements.is_on_file(tx, pair) else MISSING
