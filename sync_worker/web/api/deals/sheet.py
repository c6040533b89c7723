"""/deals.csv: the list of deals as a file for a spreadsheet, whole.

The ids are read at once, so each deal is in the file once, whatever changes meanwhile. Then the deals are read and sent chunk by chunk,
each as it is at that moment; one that goes out of sight before its turn is left out. No transaction lasts as long as a slow download.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from fastapi import Response
from fastapi.responses import StreamingResponse

from sync_worker.boundary.text import cell
from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.flags import OF_TWO_TIERS
from sync_worker.domain.people.visibility import shares
from sync_worker.errors import told
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import viewer_of
from sync_worker.store.core import companies
from sync_worker.store.deals import pipeline
from sync_worker.store.deals.narrowing import Narrowing
from sync_worker.telemetry import logs
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import Looking, PersonalVisit, again
from sync_worker.web.api.core.route import file_of, portal_router, problems
from sync_worker.web.api.deals.wishes import FiltersOf, SortOf, narrowing_of, order_wanted, sight_of

router = portal_router("deals")

_BELOW_ZERO: Final = re.compile(r"-[0-9]+(\.[0-9]+)?")
CHUNK: Final = 1000  # deals of one transaction
NAMED: Final = {"Content-Disposition": 'attachment; filename="deals.csv"', "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A deal, and the names of the companies on it by their ids."""

    stored: StoredDeal
    names: Mapping[str, str]

    def company(self, company_id: str | None) -> str | None:
        return self.names.get(company_id or "", company_id)


Read = Callable[[SheetRow], Any]


@router.get("/deals.csv", response_class=Response, responses={**file_of("text/csv"), **problems(400)})
def export_deals(visit: Looking, wanted: FiltersOf, sort: SortOf) -> StreamingResponse:
    """Returns all deals that the user may see as a CSV file in UTF-8, with the filters and the order of the list. No cell is a formula."""
    by = order_wanted(visit.tenant, sort)
    with visit.tenant.store.reading(visit.portal) as tx:
        ids = pipeline.ids_seen(tx, sight_of(tx, visit), narrowing_of(tx, visit, wanted), order=by.order)
    return StreamingResponse(_lines(visit, ids), media_type="text/csv", headers=NAMED)


def _lines(visit: PersonalVisit, ids: Sequence[str]) -> Iterator[str]:
    """The file, piece by piece. An error ends the connection, so that a part of the file is not mistaken for the whole."""
    columns = _columns(visit.tenant)
    yield _written([[cell(label) for label, _ in columns]])
    try:
        for first in range(0, len(ids), CHUNK):
            rows = _rows(visit, ids[first : first + CHUNK])
            yield _written([[_shown(read(row)) for _, read in columns] for row in rows])
    except Exception as error:
        logs.get().warning("a download of deals ended early", portal=visit.portal, error=told(error))
        raise


def _rows(visit: PersonalVisit, ids: Sequence[str]) -> list[SheetRow]:
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        visit = again(tx, visit)
        also = shares(viewer_of(tx, tenant, visit.also)) if visit.also else None
        found = pipeline.seen_of(tx, sight_of(tx, visit), ids, Narrowing(also=also))
        sides = {side for one in found.values() for side in (one.deal.owner_company, one.deal.second_partner) if side}
        names = {company_id: company.name for company_id, company in companies.by_ids(tx, sides).items()}
    return [SheetRow(found[deal_id], names) for deal_id in ids if deal_id in found]


def _written(rows: Sequence[Sequence[str]]) -> str:
    """With every cell in quotes: a spreadsheet that divides lines at semicolons does not find a formula within a text."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def _shown(value: Any) -> str:
    """Text is made harmless; a number stays a number, also below zero."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return cell("; ".join(map(str, value)))
    return "" if value is None else cell(str(value))


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _columns(tenant: Tenant) -> list[tuple[str, Read]]:
    """Labels and what stands below them. Without second partners nothing of them is in the file."""
    labels = views.labels_of(tenant)
    second = labels.get(AccountType.SECOND_PARTNER, "")
    sides = [(f"{labels[AccountType.PARTNER]} company", _owner), *([(second, _second)] if second else [])]
    fields = [(label.format(second), _reader(name)) for name, label in _FIELDS.items() if second or name not in OF_TWO_TIERS]
    own = [(name.replace("_", " ").capitalize(), _attribute(name)) for name in _own_fields(tenant)]
    return [("Id", _id), *sides, *fields, *own, *_MOMENTS.items()]


def _own_fields(tenant: Tenant) -> list[str]:
    """The portal's own fields of deals, by name."""
    records = [tenant.plain_mapping.records[name] for name in tenant.deal_records()]
    return sorted({name for record in records for name, field in record.fields.items() if field.is_attribute})


_FIELDS: Final = {
    "name": "Name",
    "prospect_name": "Prospect",
    "contact_first_name": "Contact first name",
    "contact_last_name": "Contact last name",
    "contact_email": "Contact e-mail",
    "amount": "Amount",
    "currency": "Currency",
    "expected_close_on": "Expected close",
    "deal_type": "Deal type",
    "licence_count": "Licences",
    "term_years": "Term in years",
    "billing_cycle": "Billing cycle",
    "stage": "Stage",
    "outcome": "Outcome",
    "lifecycle": "Status",
    "vendor_approval": "Vendor approval",
    "distributor_approval": "{} approval",
    "expires_on": "Last day",
    "owner_user": "Deal owner",
    "registered_by": "Registered by",
    "crm_owner": "CRM owner",
}
"""Field → its label; `{}` is the portal's label of a second partner."""


def _reader(name: str) -> Read:
    counted = {"outcome", "lifecycle", "vendor_approval", "distributor_approval"}
    if name in counted:
        return lambda row: getattr(row.stored.deal, name).value
    return lambda row: row.stored.deal.values.get(name)


def _attribute(name: str) -> Read:
    return lambda row: _as_number(plain(row.stored.deal.values.get(name)))


def _as_number(value: Any) -> Any:
    """The store keeps a number of a portal's own field as text."""
    return Decimal(value) if isinstance(value, str) and _BELOW_ZERO.fullmatch(value) else value


def _id(row: SheetRow) -> str:
    return row.stored.deal.id


def _owner(row: SheetRow) -> str | None:
    return row.company(row.stored.deal.owner_company)


def _second(row: SheetRow) -> str | None:
    return row.company(row.stored.deal.second_partner)


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


_MOMENTS: Final[Mapping[str, Read]] = {
    "Registered": lambda row: _moment(row.stored.registered_at),
    "Created": lambda row: _moment(row.stored.created_at),
    "Changed": lambda row: _moment(row.stored.updated_at),
}
