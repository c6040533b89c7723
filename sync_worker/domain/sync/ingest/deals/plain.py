"""The plain records of a page, judged field by field: each begins a deal between companies that are known, and is read without a fault.

`begin.py` says what one record begins, and what is wrong with it. This file says the same of many records at once, as long as nothing is
wrong; every other record is left to `begin.py`. How a deal begins depends on few fields, so it is asked once for all deals that have the
same there. A property holds both ways against each other (tests/integration/steps/test_deal_columns.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import compress
from typing import Any, Final, NamedTuple

from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.link import KEY
from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import NewDeals
from sync_worker.domain.deals.last_day import granted
from sync_worker.domain.sync.ingest.deals.arrival import OURS_ALONE, arrive_from_crm
from sync_worker.domain.sync.ingest.deals.record import REFERENCES, DealSides

_TELLING: Final = ("vendor_approval", "outcome", "deal_type", "expires_on", "renews_until")
"""The fields on which it depends how a deal begins, beside whether it names a second partner."""
_BEGUN: Final = ("vendor_approval", "distributor_approval", "lifecycle", "is_registered", "outcome", "expires_on", "renews_until")
"""The fields that its beginning gives a deal."""

_EMPTY: Final[list[Any]] = [None, None]


class DealColumns(NamedTuple):
    """Live records without a key, field by field.

    **Shapes** `ids`: of the deals that begin with them. `values`: field → each record's value, companies by the CRM's id; `spellings`: of
    the fields that the portal writes, as the CRM spells them; `keys`: what stands in our key field. `odd`: the places of records to be left
    out, of which a value is absent or says more than itself.
    """

    ids: Sequence[str]
    crm_ids: Sequence[str]
    modified: Sequence[datetime]
    keys: Sequence[Any]
    values: Mapping[str, Sequence[Value]]
    spellings: Mapping[str, Sequence[Any]]
    odd: set[int]

    def kept(self, keep: Sequence[bool]) -> DealColumns:
        """Some of them."""
        return DealColumns(
            list(compress(self.ids, keep)),
            list(compress(self.crm_ids, keep)),
            list(compress(self.modified, keep)),
            list(compress(self.keys, keep)),
            {name: list(compress(column, keep)) for name, column in self.values.items()},
            {name: list(compress(column, keep)) for name, column in self.spellings.items()},
            set(),
        )


def plain_deals(records: DealColumns, companies: DealSides, today: date) -> NewDeals:
    """The deals that begin with plain records; the other records are to be judged by themselves."""
    named = [_column(records, name) for name in REFERENCES]
    owners, seconds = ([companies.ids.get(str(crm_id)) if crm_id else None for crm_id in column] for column in named)
    pairs = list(zip(owners, seconds, strict=True))
    taken = {pair: _is_taken(*pair, companies) for pair in set(pairs)}
    is_unknown = [bool(crm_id) and second is None for crm_id, second in zip(named[1], seconds, strict=True)]
    keep = [taken[pair] and not is_unknown[place] and place not in records.odd for place, pair in enumerate(pairs)]
    ours = {name: column for name, column in zip(REFERENCES, (owners, seconds), strict=True) if name in records.values}
    found = records._replace(values={**records.values, **ours}).kept(keep)
    values = {name: column for name, column in found.values.items() if name not in OURS_ALONE}
    values["name"] = [name or other for name, other in zip(_column(found, "name"), _column(found, "prospect_name"), strict=True)]
    return NewDeals(found.ids, values | _beginnings(found, companies.policy, today), found.crm_ids, found.modified, _bases(found))


def _is_taken(owner: str | None, second: str | None, companies: DealSides) -> bool:
    """Whether a deal may begin between these two, and nothing is to be said of them."""
    if owner is None or owner in companies.parents:
        return False
    if second is None:
        return True
    verdict = companies.verdict(owner, second)
    return companies.policy.is_two_tier and verdict.is_accepted and verdict.problem is None


def _beginnings(records: DealColumns, policy: Policy, today: date) -> dict[str, list[Value]]:
    """What their beginning gives the deals."""
    seconds = [second and "named" for second in _column(records, "second_partner")]
    telling = list(zip(seconds, *(_column(records, name) for name in _TELLING), strict=True))
    given = {said: _begun(dict(zip(("second_partner", *_TELLING), said, strict=True)), policy, today) for said in set(telling)}
    return dict(zip(_BEGUN, map(list, zip(*(given[said] for said in telling), strict=True)), strict=True)) if telling else {}


def _begun(values: Mapping[str, Value], policy: Policy, today: date) -> list[Value]:
    deal = granted(arrive_from_crm(values, deal_id="", policy=policy), policy, today)
    return [deal.values.get(name) for name in _BEGUN]


def _bases(records: DealColumns) -> list[dict[str, list[Any]]]:
    """What the CRM says is what both agree on."""
    columns = [_pairs(records.values[name], spellings) for name, spellings in records.spellings.items()]
    names, keys = (*records.spellings, KEY), [[None, key] for key in records.keys]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, keys, strict=True)]


def _pairs(values: Sequence[Value], spellings: Sequence[Any]) -> list[list[Any]]:
    return [
        _EMPTY if spelling is None and value is None else [comparable(value), spelling]
        for value, spelling in zip(values, spellings, strict=True)
    ]


def _column(records: DealColumns, name: str) -> Sequence[Value]:
    return records.values.get(name) or [None] * len(records.ids)
