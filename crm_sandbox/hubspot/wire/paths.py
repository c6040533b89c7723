"""One address per thing, whatever generation of the API it was asked by.

    /crm/v3/objects/X, /crm/v4/objects/X, /crm/objects/v3/X, /crm/objects/2026-09/X    ─▶  /objects/X
    /crm/v4/associations/A/B/…, /crm/associations/v4/A/B/…, …/2026-09/A/B/…            ─▶  /associations/A/B/…

    /properties/v2/X/…, /properties/v1/contacts/…                                      ─▶  /old-properties/X/…

and so on. What was in between is the version; percent-escapes stay, so that a key with a slash in it is one part.
"""

import re
from dataclasses import dataclass

CONSENT = "/oauth/authorize"  # the one address without a version: people open it, at app.hubspot.com
_VERSION = r"(?P<version>v\d|20\d\d-\d\d(?:-beta)?)"
_ROOMS = "objects|associations|properties|pipelines|owners|schemas"
_FORMS = (
    re.compile(rf"/crm/{_VERSION}/(?P<room>{_ROOMS})(?P<rest>/.*)?"),
    re.compile(rf"/crm/(?P<room>{_ROOMS})/{_VERSION}(?P<rest>/.*)?"),
    re.compile(rf"/crm-object-schemas/{_VERSION}/(?P<room>schemas)(?P<rest>/.*)?"),
    re.compile(rf"/(?P<room>account-info|oauth|webhooks)/{_VERSION}(?P<rest>/.*)?"),
)
_OLD_PROPERTIES = re.compile(r"/properties/(?P<version>v[12])(?P<rest>/.*)?")  # they answer in shapes of their own


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes, by our own spelling, and the version it named (`v3`, `2026-09`)."""

    path: str
    version: str


def address_of(raw_path: str) -> Address | None:
    """The address that a path means, or None for one the API does not have."""
    if raw_path.rstrip("/") == CONSENT:
        return Address(CONSENT, "")
    if old := _OLD_PROPERTIES.fullmatch(raw_path):
        return Address(f"/old-properties{_tail(old)}", old["version"])
    for form in _FORMS:
        if match := form.fullmatch(raw_path):
            return Address(f"/{match['room']}{_tail(match)}", match["version"])
    return None


def _tail(match: re.Match[str]) -> str:
    return (match["rest"] or "").rstrip("/")


def is_dated(version: str) -> bool:
    """Whether the version is a date."""
    return version.startswith("20")


def keeps_rules(version: str) -> bool:
    """Whether the version holds writes to an admin's validation rules."""
    return is_dated(version) and version >= "2026-09"
