"""NAMING: the company that a person means by our id, its CRM id or its name. A name that several companies have is refused."""

from __future__ import annotations

from collections.abc import Sequence

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.names import spelled
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx


def company_named(tx: Tx, tenant: Tenant, reference: str, *, field: str = "") -> Company | Refusal | None:
    """The company; None where the portal has none of that name; a refusal with all ids where several companies share the name."""
    found = companies.called(tx, tenant.crm.canonical_id(reference))
    if len(found) > 1:
        who = "write the CRM id or our id of the company that is meant"
        return Refusal("company_ambiguous", _shared(reference, found), who, tuple(one.crm_id or one.id for one in found), field)
    return found[0] if found else None


def _shared(reference: str, found: Sequence[Company]) -> str:
    listed = ", ".join(f"{spelled(one.name)} (CRM id {one.crm_id or 'none yet'}, our id {one.id})" for one in found)
    return f"{len(found)} companies are called {spelled(reference)}: {listed}"
