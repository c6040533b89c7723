"""What people and the vendor do to records besides writing them: undelete, merge, convert a lead, empty the bin."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.records import PassedWrite, RecordWriter, SalesforceAuthor
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.schema.schema import SObject
from crm_sandbox.salesforce.wire import errors, stamps
from crm_sandbox.salesforce.wire.ids import to_18

CONVERSION = {  # lead field → opportunity field, where the names differ; equal names follow by themselves
    "Portal_Deal_Name__c": "Name",
    "Portal_Amount__c": "Amount",
    "Portal_Close_Date__c": "CloseDate",
    "Company": "Portal_Prospect__c",
}
_DAYS_TO_CLOSE = 30


class SalesforceLifecycle:
    """The org's records through their lives, in the name of one person.

    Each act is several writes: the caller holds a transaction.
    """

    def __init__(self, org: Org, author: SalesforceAuthor) -> None:
        self._org = org
        self._author = replace(author, auto_assign=False, allows_duplicates=True)
        self._records = RecordWriter(org, self._author)

    def undelete(self, ids: Iterable[str]) -> list[str]:
        """Bring records back from the recycle bin; their stamps move.

        Raises: Refusal when a unique key was given away meanwhile, or for an id that is not in the bin.
        """
        restored = []
        for record_id in ids:
            sobject, record = self._any(record_id)
            if not record.get("IsDeleted"):
                raise errors.SalesforceRefusal("UNDELETE_FAILED", "Entity is not in the recycle bin")
            for field in sobject.fields:
                if field.is_unique and record[field.name] is not None:
                    for other in self._org.store.ids_with(sobject, field, record[field.name]):
                        raise errors.duplicate_value(field.name, other)
            change = {"IsDeleted": False} | ({"MasterRecordId": None} if "MasterRecordId" in record else {})
            self._touch(sobject, record["Id"], change)
            restored.append(record["Id"])
        return restored

    def merge(self, master: str, losers: Iterable[str]) -> str:
        """Losers go to the bin with the master's id on them; what pointed at them points at the master.

        Raises: Refusal for more than two losers, or records of other types.
        """
        lost = list(losers)
        sobject, winner = self._any(master)
        if not sobject.is_mergeable or not 1 <= len(lost) <= 2:
            raise errors.SalesforceRefusal(
                "INVALID_OPERATION", "merge takes an account, a contact or a lead and one or two others of its kind"
            )
        for loser in lost:
            record = self._records.alive(sobject, loser, missing=errors.bad_reference())
            if record["Id"] == winner["Id"]:
                raise errors.SalesforceRefusal("INVALID_OPERATION", "a record cannot be merged with itself")
            self._reparent(sobject, record["Id"], winner["Id"])
            self._touch(sobject, record["Id"], {"IsDeleted": True, "MasterRecordId": winner["Id"]})
        self._touch(sobject, winner["Id"], {})
        return str(winner["Id"])

    def hard_delete(self, ids: Iterable[str]) -> list[str]:
        """Take records away without a trace; lookups to them become blank, and no stamp moves."""
        gone = []
        for record_id in ids:
            sobject, record = self._any(record_id)
            for child, field_name in self._lookups_to(sobject):
                field = child.field(field_name)
                assert field is not None  # noqa: S101 - the schema's own name
                for child_id in self._org.store.ids_with(child, field, record["Id"]):
                    self._org.store.update(child, child_id, {field_name: None})
            self._org.store.remove(sobject, record["Id"], at=stamps.write(self._org.clock.now()))
            gone.append(record["Id"])
        return gone

    def unshare(self, ids: Iterable[str]) -> None:
        """Hide records as they stand; no stamp moves.

        Raises: Refusal.
        """
        for record_id in ids:
            sobject, record = self._any(record_id)
            self._org.unshared[record["Id"]] = (sobject, self._org.store.lift(sobject, record["Id"]))

    def share(self, ids: Iterable[str]) -> None:
        """Show hidden records again, with the stamps that they had; others are left alone."""
        for record_id in ids:
            if hidden := self._org.unshared.pop(to_18(record_id) or "", None):
                self._org.store.put_back(*hidden)

    def convert_lead(self, lead_id: str, wish: Mapping[str, Any]) -> dict[str, str | None]:
        """Turn a lead into an account, a contact and, unless the caller says no, an opportunity.

        `copy_mapping` says whether the admin mapped the custom fields; `omit` names lead fields left out of the mapping.
        """
        lead_type = self._org.sobject("Lead")
        lead = self._records.alive(lead_type, lead_id, missing=errors.bad_reference(404))
        if lead["IsConverted"]:
            raise errors.converted_lead()
        account_id = wish.get("account_id") or self._account_for(lead)
        opportunity_id = None
        if wish.get("create_opportunity", True):
            omitted = set(wish.get("omit", ())) if wish.get("copy_mapping", True) else None
            opportunity_id = self._opportunity_for(lead, str(account_id), omitted).record_id
        ids: dict[str, str | None] = {
            "ConvertedAccountId": to_18(str(account_id)),
            "ConvertedContactId": self._contact_for(lead, str(account_id)),
            "ConvertedOpportunityId": opportunity_id,
        }
        today = self._org.clock.now().date().isoformat()
        done = {"IsConverted": True, "Status": "Closed - Converted", "ConvertedDate": today}
        self._touch(lead_type, lead["Id"], ids | done)
        return ids

    def _account_for(self, lead: Values) -> str:
        return self._records.create(self._org.sobject("Account"), {"Name": lead["Company"]}).record_id

    def _contact_for(self, lead: Values, account_id: str) -> str:
        names = ("LastName", "FirstName", "Title", "Phone", "Email", "Description", "LeadSource", "OwnerId")
        body = {name: lead[name] for name in names if lead[name] is not None}
        return self._records.create(self._org.sobject("Contact"), body | {"AccountId": account_id}).record_id

    def _opportunity_for(self, lead: Values, account_id: str, omitted: set[str] | None) -> PassedWrite:
        sobject = self._org.sobject("Opportunity")
        body: Values = {
            "Name": f"{lead['Company']}-",
            "StageName": "Prospecting",
            "CloseDate": _day_in(self._org, _DAYS_TO_CLOSE),
            "AccountId": account_id,
            "LeadSource": lead["LeadSource"],
            "OwnerId": lead["OwnerId"],
        }
        if omitted is not None:
            body |= _mapped(sobject, lead, omitted)
        return self._records.create(sobject, body)

    def _reparent(self, sobject: SObject, loser: str, winner: str) -> None:
        for child, field_name in self._lookups_to(sobject):
            field = child.field(field_name)
            assert field is not None  # noqa: S101 - the schema's own name
            for child_id in self._org.store.ids_with(child, field, loser):
                self._touch(child, child_id, {field_name: winner})

    def _lookups_to(self, sobject: SObject) -> list[tuple[SObject, str]]:
        return [
            (child, field.name)
            for child in self._org.objects.values()
            for field in child.fields
            if sobject.name in field.refers_to and field.name != "MasterRecordId"
        ]

    def _touch(self, sobject: SObject, record_id: str, change: Mapping[str, Any]) -> None:
        stamp = self._org.stamp()
        author = {"LastModifiedDate": stamp, "LastModifiedById": self._author.user_id, "SystemModstamp": stamp}
        self._org.store.update(sobject, record_id, {**change, **author})

    def _any(self, record_id: str) -> tuple[SObject, Values]:
        full_id = to_18(record_id) or ""
        sobject = self._org.sobject_of(full_id)
        record = None if sobject is None else self._org.store.get(sobject, full_id)
        if sobject is None or record is None:
            raise errors.bad_reference(404)
        return sobject, record


def _day_in(org: Org, days: int) -> str:
    return (org.clock.now() + timedelta(days=days)).date().isoformat()


def _mapped(opportunity: SObject, lead: Values, omitted: set[str]) -> Values:
    mapped: Values = {}
    for name, value in lead.items():
        target = CONVERSION.get(name, name if name.endswith("__c") else "")
        if value is not None and name not in omitted and opportunity.field(target) is not None:
            mapped[target] = value
    return mapped
