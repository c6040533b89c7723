"""Keys on the records of one page of companies: whose each is, and what to say of those that are not ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sync_worker.domain.core.company import StoredCompany
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord
from sync_worker.domain.sync.ingest.own_key import foreign_key, has_our_form, key_of, key_taken


@dataclass(frozen=True, slots=True)
class CompanyKeys:
    """The page's keys. **Shapes** `field`: our key field; `homes`: key → the CRM record that its company lives in, None where in none."""

    field: str
    homes: Mapping[str, str | None]

    def problem(self, record: CompanyRecord, company_id: str) -> Problem | None:
        """A key that stands on the company's record, is not its own, and stays where it is."""
        if record.key == company_id:
            return None
        key = key_of(record.key)
        if key in ("", company_id):
            return None
        if key not in self.homes:
            return foreign_key(self.field, key, company_id)
        home = self.homes[key]
        return key_taken(self.field, key, home) if home and home != record.crm_id else None

    def has_room(self, record: CompanyRecord, company_id: str) -> bool:
        """Whether the record was read, and carries no key, or one left over from a merge: the company's own is to be written."""
        is_other = record.is_key_read and key_of(record.key) != company_id
        return is_other and self.problem(record, company_id) is None


class Claims(NamedTuple):
    """Which records claim which companies by the key that they carry.

    **Shapes** `made_here`: by CRM id, companies made in the portal whose record is not linked yet: our own create, whose answer was lost.
    `lost`: CRM id → the id of a company that the database has lost, and that this record has kept. `homes` as in `CompanyKeys`.
    """

    made_here: Mapping[str, StoredCompany]
    lost: Mapping[str, str]
    homes: Mapping[str, str | None]


def claims(
    keys: Mapping[str, str], homes: Mapping[str, str | None], homeless: Mapping[str, StoredCompany], computed_id: Callable[[str], str]
) -> Claims:
    """The first record that carries the id of a company without a record is its record. A lost id goes to the record it was computed from,
    else to the first.

    **Shapes** `keys`: CRM id → key, of the live records that no company lives in. `homeless`: companies without a record, by id.
    """
    after, free, made_here, lost = dict(homes), dict(homeless), dict[str, StoredCompany](), dict[str, str]()
    for crm_id, key in keys.items():
        if stored := free.pop(key, None):
            made_here[crm_id] = stored
            after[key] = crm_id
    ours = [crm_id for crm_id, key in keys.items() if key not in after and has_our_form(key)]
    for crm_id in sorted(ours, key=lambda crm_id: computed_id(crm_id) != keys[crm_id]):
        if keys[crm_id] not in after:
            after[keys[crm_id]] = crm_id
            lost[crm_id] = keys[crm_id]
    return Claims(made_here, lost, after)
