"""Which rows a write locks, and who holds them. A row stays locked for the length of the call that writes it.

    a record is written                                ─▶  the record itself, and the account in its AccountId, before and after
    another lookup to an account is filled or changes  ─▶  that account too (by order: at every write, or never)

A call takes all of its rows at once, in the order in which calls came. It waits ten seconds for those that others hold; then it works
without them, and the records that need them are refused.
Source: the vendor's Record Locking Cheat Sheet; a lookup locks its target "depending on its configuration".
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.references import resolved
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.waits import ClockWaits

LOCK_WAIT_S = 10  # how long the vendor lets a write wait for a row


@dataclass(slots=True, eq=False)
class RowClaim:
    """The rows that one call holds or waits for, and those that it did not get."""

    ids: set[str]
    refused: frozenset[str] = frozenset()


@dataclass(slots=True)
class RowLocks:
    """The locks of one org; `claims` in the order in which calls came."""

    waits: ClockWaits
    wait_s: float = LOCK_WAIT_S
    claims: list[RowClaim] = field(default_factory=list)
    by_order: RowClaim | None = None

    async def take(self, ids: Iterable[str], now: datetime) -> RowClaim:
        """The rows of one call, as soon as no earlier call has them or waits for them; after the wait, as many of them as are free."""
        claim, deadline = RowClaim(set(ids)), now + timedelta(seconds=self.wait_s)
        self.claims.append(claim)
        try:
            await self.waits.until(lambda: deadline if self._taken(claim) else None)
        except BaseException:
            self.release(claim)
            raise
        claim.refused = frozenset(self._taken(claim))
        claim.ids -= claim.refused
        return claim

    def release(self, claim: RowClaim) -> None:
        """The call is over."""
        if claim in self.claims:
            self.claims.remove(claim)
        self.waits.look_again()

    def hold(self, ids: Iterable[str]) -> None:
        """From now on somebody's long transaction has these rows, and no others."""
        if self.by_order is not None:
            self.release(self.by_order)
        self.by_order = RowClaim({to_18(one) or one for one in ids})
        self.claims.insert(0, self.by_order)

    def clear(self) -> None:
        """Everything as at the start: no row is held, and no call waits."""
        for claim in self.claims:
            claim.ids.clear()
        self.claims.clear()
        self.wait_s, self.by_order = LOCK_WAIT_S, None
        self.waits.look_again()

    def _taken(self, claim: RowClaim) -> set[str]:
        earlier = takewhile(lambda other: other is not claim, self.claims)
        return claim.ids & set[str]().union(*(other.ids for other in earlier))


def rows_of(org: Org, sobject: SObject, before: Values | None, body: Mapping[str, Any]) -> set[str]:
    """Ids of the rows that a write of these fields locks; `before` is the record as it is, None: it is new."""
    found = set() if before is None else {str(before["Id"])}
    for link in sobject.fields:
        if link.refers_to == ("Account",) and link.is_createable:
            old = None if before is None else before.get(link.name)
            new = _named(org, sobject, link, body, old)
            if link.name == "AccountId" or org.lookup_locks == "always" or (org.lookup_locks == "changed" and new != old):
                found |= {one for one in (old, new) if one is not None}
    return found


def _named(org: Org, sobject: SObject, link: Field, body: Mapping[str, Any], old: str | None) -> str | None:
    """The account that a lookup leads to after the write; a wrong one locks nothing, and is refused later."""
    for name, value in body.items():
        if name.lower() == link.name.lower():
            return to_18(str(value)) if value else None
        if name.lower() == (link.relationship or "").lower() and (found := org.relation(sobject, name)):
            with suppress(SalesforceRefusal):
                return resolved(org, found, value)
    return old
