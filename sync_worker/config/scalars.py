"""What people write as one scalar: flags, durations, shares, times of day, time zones, addresses, ids. Text in, a typed value out.

Each type refuses what it does not know with the words of `source.wrong`, so that the mistake says what would be right.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import time
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from sync_worker.config.validation import shown, wrong
from sync_worker.nearest import did_you_mean

DURATION = re.compile(r"([0-9]{1,6})(s|m|h|d)")
DOMAIN = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_FLAGS = {**dict.fromkeys(("yes", "y", "on", "1", "true"), "true"), **dict.fromkeys(("no", "n", "off", "0", "false"), "false")}


def _flag(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    meant = _FLAGS.get(value.lower(), "true or false") if isinstance(value, str) else "true or false"
    raise wrong(f"must be true or false, not {shown(value)}", f"write {meant}")


def _seconds(value: Any) -> Any:
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match or not int(match[1]):
        raise wrong(f"{shown(value)} is not a duration", "write a number and s, m, h or d: 30s, 5m, 2h")
    return int(match[1]) * SECONDS[match[2]]


def _days(value: Any) -> Any:
    match = re.fullmatch(r"([1-9][0-9]{0,3})d", value) if isinstance(value, str) else None
    if not match:
        raise wrong(f"{shown(value)} is not a number of days", "write a whole number from 1 to 9999 and d: 90d")
    return int(match[1])


def _percent(value: Any) -> Any:
    match = re.fullmatch(r"([0-9]{1,3})%", value) if isinstance(value, str) else None
    if not match or int(match[1]) > 100:
        raise wrong(f"{shown(value)} is not a percentage", "write a whole number from 0% to 100%")
    return int(match[1])


def _count(value: Any) -> Any:
    if not (isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,8}", value)):
        raise wrong(f"{shown(value)} is not a count", "write a whole number from 1")
    return int(value)


def _time_of_day(value: Any) -> Any:
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", value) if isinstance(value, str) else None
    if not match:
        raise wrong(f"{shown(value)} is not a time of day", 'write it as "02:00", 00:00 to 23:59')
    return time(int(match[1]), int(match[2]))


def _filled(value: str) -> str:
    if not value.strip():
        raise wrong("is blank", "give a value, or leave the key out")
    return value


def _zone(value: str) -> str:
    if value != "UTC":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = did_you_mean(value, sorted(available_timezones()))
            raise wrong(f"{value!r} is not a time zone", near or "use an IANA name such as Europe/Berlin") from None
    return value


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise wrong("is not a URL", "write https://…") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise wrong("is not a base URL", "write https://host, without user, query or fragment")
    if parts.scheme == "http" and not _is_loopback(host):
        raise wrong(f"plain http to {host!r} would show tokens to the network", "use https; plain http is for loopback only")
    return value.rstrip("/")


def _sub_domain(value: str) -> str:
    if value.lower().endswith(".salesforce.com"):
        raise wrong("ends with .salesforce.com", "leave that out: acme.my for acme.my.salesforce.com")
    if not DOMAIN.fullmatch(value):
        raise wrong("is not a host name", "write what stands before .salesforce.com, without https:// and without a path: acme.my")
    return value


def _organization_id(value: str) -> str:
    if not re.fullmatch(r"00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", value):
        raise wrong(
            f"{value!r} is not an organization id", "15 or 18 letters and digits that begin with 00D; see Setup → Company Information"
        )
    return value


def _hub_id(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", value):
        raise wrong(f"{value!r} is not a Hub ID", "the number that HubSpot shows beside the account's name")
    return value


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_WRITTEN = {"type": ["string", "number", "boolean"]}  # editors read YAML's types; we read the text
_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"  # some values may come from the environment


def _pattern(pattern: str) -> WithJsonSchema:
    """What an editor checks of a scalar that has a form."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern}|{_VARIABLE})$"})


def _digits(pattern: str) -> WithJsonSchema:
    """What an editor checks of a whole number from 1, in quotes or not."""
    return WithJsonSchema({"type": ["string", "integer"], "pattern": f"^({pattern}|{_VARIABLE})$", "minimum": 1})


Text: TypeAlias = Annotated[str, AfterValidator(_filled), WithJsonSchema(_WRITTEN)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Seconds: TypeAlias = Annotated[int, BeforeValidator(_seconds), _pattern("[0-9]{1,6}[smhd]")]
Days: TypeAlias = Annotated[int, BeforeValidator(_days), _pattern("[1-9][0-9]{0,3}d")]
Percent: TypeAlias = Annotated[int, BeforeValidator(_percent), _pattern("[0-9]{1,3}%")]
Count: TypeAlias = Annotated[int, BeforeValidator(_count), _digits("[1-9][0-9]{0,8}")]
TimeOfDay: TypeAlias = Annotated[time, BeforeValidator(_time_of_day), _pattern("([01][0-9]|2[0-3]):[0-5][0-9]")]
ZoneName: TypeAlias = Annotated[str, AfterValidator(_zone)]
BaseUrl: TypeAlias = Annotated[str, AfterValidator(_base_url)]
SubDomain: TypeAlias = Annotated[str, AfterValidator(_sub_domain)]
OrganizationId: TypeAlias = Annotated[str, AfterValidator(_organization_id), _pattern("00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")]
HubId: TypeAlias = Annotated[str, AfterValidator(_hub_id), _digits("[1-9][0-9]{0,18}")]
