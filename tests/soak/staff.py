"""What the vendor's staff do in the CRM. An edit is entered in the ledger by what the record was in the very moment of the edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_sandbox.remote import Record
from sync_worker.domain.core.reconcile import comparable
from sync_worker.mapping.catalog import ASSOCIATION
from tests.simulation import people
from tests.simulation.desk import Native
from tests.simulation.ledger import TRACKED
from tests.soak.places import Place


def edits_deal(place: Place) -> None:
    """A person changes one to three fields of a deal's record."""
    record = place.dice.choice(place.desk.deal_records)
    native = people._chosen_deal(place, record)
    if native is None:
        return
    fields: Record = {}
    for _ in range(place.dice.choice((1, 1, 2, 3))):
        fields |= people._typed(place, record, *people._deal_value(place, record))
    save(place, native, fields)


def clears_field(place: Place) -> None:
    """A person empties a field; once a field and deal, so that the ledger can tell."""
    record = place.dice.choice(place.desk.deal_records)
    native = people._chosen_deal(place, record)
    if native is None or native.id in place.ledger.deal_by_record:
        return
    name = place.dice.choice(("amount", "licence_count", "expires_on"))
    edits = place.ledger.edits.get((place.deal_of(native), name), [])
    if all(edit.value is not None for edit in edits):
        save(place, native, place.typed(record, {name: None}))


def save(place: Place, native: Native, fields: Record) -> None:
    """The edit, and its entry in the ledger."""
    shown = ", ".join(f"{name}={value}" for name, value in fields.items())
    place.look_for_late_writes()
    saved = place.by_a_person(f"CRM: {native.id} {shown}", lambda: _saved(place, native, fields))
    if not saved:
        return
    deal_id, record, ledger = place.deal_of(native), place.record_map(native), place.ledger
    before, after = (record.normalize(saved[when]).values for when in ("before", "after"))
    for name in TRACKED:
        field = record.fields.get(name)
        if field and field.native in fields and comparable(after.get(name)) != comparable(before.get(name)):
            old, new = comparable(before.get(name)), comparable(after.get(name))
            ledger.wrote("crm", deal_id, name, new, before=old, at=place.time.crm_now)
    named = {name: record.fields[name].native for name in ("owner_company", "second_partner")}
    ledger.renamed |= {(deal_id, name) for name, field in named.items() if field in fields}
    ledger.touched_at[native.id] = place.time.crm_now
    place.late.touched(native.id)
    place.warm(deal_id)


def _saved(place: Place, native: Native, fields: Record) -> Mapping[str, Record]:
    """The record before and after. At HubSpot its companies are another request."""
    companies = {name: value for name, value in fields.items() if name.startswith(ASSOCIATION)}
    properties = {name: value for name, value in fields.items() if name not in companies}
    found: Mapping[str, Record] = {"before": {}, "after": {}}
    if properties:
        found = place.remote.edit(place.desk.native(native.record), native.id, properties)
    if companies:
        place.desk.edit(native, companies)
    return found


BY_STAFF: Final = (
    (12, "a person edits a deal in the CRM", edits_deal),
    (1, "a person empties a field", clears_field),
    (4, "a person edits a company", people.edits_company),
    (1, "a company is made in the CRM", people.creates_company),
    (2, "a deal begins in the CRM", people.creates_deal),
    (1, "a record is deleted", people.deletes),
    (1, "a record comes back", people.undeletes),
    (1, "companies are merged", people.merges_companies),
    (1, "deals are merged", people.merges_deals),
    (1, "a lead is converted", people.converts_lead),
)
