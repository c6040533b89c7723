"""How HubSpot proves that a request is its own. A request without a proof has a reason, for our log alone.

v3: base64 of HMAC-SHA256, keyed with the app's secret, over method, address, body and time; of the address twelve escapes are read, once.
v1: hex SHA-256 of secret and body. It says neither when nor where, so it counts only where a portal file asks for it.
Bytes are compared as they came: what is decoded and encoded again is another body.
Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

MOST_APART_S: Final = 300  # between their clock when they signed and ours now, either way
_ESCAPE: Final = re.compile(rb"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)  # : / ? @ ! $ ' ( ) * , ;
_V3_CHARS: Final = 44  # SHA-256 in base64
_V1_CHARS: Final = 64  # and in hexadecimal
_OTHER: Final = "the signature is wrong"
_TIME: Final = re.compile(r"[0-9]{10,16}", re.ASCII)


def v3_head_fault(secret: bytes, headers: Mapping[str, str], now: datetime) -> str:
    """Why the headers alone show that this request proves nothing, so that its body need not be read; "" = they may be theirs."""
    signature, time = headers.get("x-hubspot-signature-v3", ""), headers.get("x-hubspot-request-timestamp", "")
    if not secret:
        return "no secret"
    if not signature or not _TIME.fullmatch(time):
        return "no v3 signature, or no time beside it"
    if abs(now.timestamp() * 1000 - int(time)) > MOST_APART_S * 1000:
        return "signed more than five minutes from now"
    return "" if len(signature) == _V3_CHARS else _OTHER


def v3_fault(secret: bytes, url: bytes, body: bytes, headers: Mapping[str, str], now: datetime) -> str:
    """Why this POST proves nothing; "" = it is theirs. **Units** `url`: as they address us, with its query."""
    if fault := v3_head_fault(secret, headers, now):
        return fault
    signature, time = headers["x-hubspot-signature-v3"], headers["x-hubspot-request-timestamp"]
    signed = b"".join((b"POST", unescaped(url), body, time.encode()))
    return _differs(signature, base64.b64encode(hmac.digest(secret, signed, "sha256")))


def v1_head_fault(secret: bytes, headers: Mapping[str, str]) -> str:
    """As `v3_head_fault`."""
    signature = headers.get("x-hubspot-signature", "")
    if not secret:
        return "no secret"
    if not signature or headers.get("x-hubspot-signature-version", "v1") != "v1":
        return "no v1 signature"
    return "" if len(signature) == _V1_CHARS else _OTHER


def v1_fault(secret: bytes, body: bytes, headers: Mapping[str, str]) -> str:
    """Why this request proves nothing; "" = it is theirs."""
    if fault := v1_head_fault(secret, headers):
        return fault
    return _differs(headers["x-hubspot-signature"], hashlib.sha256(secret + body).hexdigest().encode())


def unescaped(url: bytes) -> bytes:
    """The address as it is signed."""
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), url)


def _differs(given: str, right: bytes) -> str:
    return "" if hmac.compare_digest(given.encode(errors="replace"), right) else _OTHER
