"""The whole association table of a portal: every partner with every second partner, each pair with its answer and its words.

Two CRMs with the same data must give the same table; only their ids, and the capitals of their spellings, may differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sync_worker.domain.associations.association import Explanation
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.steps.associations.associate import why_each
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx

EVERYTHING = 1_000_000  # rows


@dataclass(frozen=True, slots=True)
class Pairs:
    """All pairs under one mode. **Shapes** `digest`: of each pair with its answer and words, ids and capitals aside."""

    associated: int
    not_associated: int
    without_words: int
    digest: str

    def to_document(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "associated": self.associated,
            "not_associated": self.not_associated,
            "without_words": self.without_words,
            "digest": self.digest,
        }

    @property
    def words(self) -> str:
        """For a cell of a table."""
        return f"{self.associated} of {self.associated + self.not_associated}, {self.digest}"


def explain_all(tenant: Tenant) -> Pairs:
    """Asks of every pair why it is associated, or why not."""
    with tenant.store.reading(tenant.name) as tx:
        told = list(_explained(tx))
    lines = sorted(_line(*pair) for pair in told)
    associated = sum(found.is_associated for *_, found in told)
    return Pairs(
        associated,
        len(told) - associated,
        sum(not found.words.strip() for *_, found in told),
        hashlib.blake2b("\n".join(lines).encode(), digest_size=4).hexdigest(),
    )


def _explained(tx: Tx) -> Iterator[tuple[Company, Company, Explanation]]:
    known = [stored.company for stored in companies.listed(tx, limit=EVERYTHING)]
    seconds = [company for company in known if company.account_type is AccountType.SECOND_PARTNER]
    for partner in known:
        if partner.account_type is AccountType.PARTNER:
            yield from ((partner, second, found) for second, found in zip(seconds, why_each(tx, partner, seconds), strict=True))


def _line(partner: Company, second: Company, found: Explanation) -> str:
    words = found.words
    for company in (partner, second):
        words = words.replace(f" ({company.crm_id})", "")
    return "\t".join((partner.name, second.name, str(found.is_associated), found.code, words)).casefold()
