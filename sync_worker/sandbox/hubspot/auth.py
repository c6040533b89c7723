"""Who a token stands for: static tokens (a service key, a private app) that never expire. Others are opened by `login/`."""

from dataclasses import dataclass, field

from sync_worker.sandbox.hubspot import errors

SANDBOX_TOKEN = "pat-na1-5a4db0c5-0000-4000-8000-000000000001"  # noqa: S105 - opens nothing but a sandbox on loopback
ALL_SCOPES = frozenset(
    {
        *(f"crm.objects.{name}.{what}" for name in ("companies", "deals", "contacts") for what in ("read", "write")),
        *(f"crm.schemas.{name}.{what}" for name in ("companies", "deals", "contacts") for what in ("read", "write")),
        "crm.objects.owners.read",
        "oauth",
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows; `app_id` is what webhooks name as the source of its writes."""

    token: str
    app_id: str = "1160452"
    scopes: frozenset[str] = ALL_SCOPES


@dataclass(slots=True)
class Auth:
    """The tokens that hold."""

    grants: dict[str, Grant] = field(default_factory=lambda: {SANDBOX_TOKEN: Grant(SANDBOX_TOKEN)})

    def grant(self, authorization: str | None) -> Grant:
        """What a request may do.

        Raises: Refusal.
        """
        scheme, _, token = (authorization or "").partition(" ")
        found = self.grants.get(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise errors.unauthenticated()
        return found
