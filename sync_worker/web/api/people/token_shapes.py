"""What stands in bodies about API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from sync_worker.web.api.core.shapes import Body, Name, View

Scope: TypeAlias = Literal["read", "write", "operate"]


class TokenBody(Body):
    """A token that is to be made."""

    name: Annotated[Name, Field(description="Who uses it.", examples=["nightly export"])]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3, description="What it lets its holder do. None includes another.")]
    expires_at: Annotated[datetime | None, Field(description="When it ends. Without it the token does not end by itself.")] = None


class TokenView(View):
    """A token, without its text, of which only a hash is kept."""

    id: str
    name: str
    scopes: list[Scope]
    state: Literal["active", "expired", "revoked"]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="When it was last used, to the hour. It is null if it was not used.")]
    revoked_at: datetime | None
    revoked_by: str | None


class NewTokenView(TokenView):
    """A token that was just made."""

    token: Annotated[
        str | None,
        Field(description="Its text. The first answer alone has it; it is null where a request is sent again with its idempotency key."),
    ]
