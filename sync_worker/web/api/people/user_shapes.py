"""Bodies of users."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from sync_worker.domain.core.user import Role
from sync_worker.web.api.core.shapes import Body, Name, Reference, View


class UserBody(Body):
    """A user, as the portal describes it."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\x00-\x20\x7f]+@[^\x00-\x20\x7f]+$")]
    name: Name
    role: Role
    primary_company: Reference | None = None
    further_companies: list[Reference] = Field(default=[], max_length=500)
    is_vendor_admin: bool = False
    is_active: bool = True


class UserView(View):
    """A user of the portal. Companies are named by our id."""

    id: str
    email: str
    name: str
    role: Role
    primary_company: str | None
    further_companies: list[str]
    is_vendor_admin: bool
    is_active: bool
