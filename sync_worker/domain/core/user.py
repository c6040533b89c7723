"""People as the portal tells of them: who they are, where they belong, and the role that counts.

A user has one role, that of the primary company, and takes it along to the further ones. What a role may see stands in
`people/visibility.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The role of a user in the primary company, from the highest to the lowest."""

    ACCOUNT_OWNER = "account_owner"
    EXECUTIVE = "executive"
    MANAGER = "manager"
    SALES = "sales"

    @property
    def not_below(self) -> frozenset[Role]:
        """This role and those above it."""
        roles = list(Role)
        return frozenset(roles[: roles.index(self) + 1])


@dataclass(frozen=True, slots=True)
class User:
    """One person of one portal. **Shapes** `id` is the portal's own; companies by our id; a vendor admin may belong to none."""

    id: str
    email: str
    name: str
    role: Role
    primary_company: str | None
    further_companies: frozenset[str] = frozenset()
    is_vendor_admin: bool = False
    is_active: bool = True

    @property
    def companies(self) -> frozenset[str]:
        """Every company the user belongs to."""
        return self.further_companies | ({self.primary_company} if self.primary_company else frozenset())
