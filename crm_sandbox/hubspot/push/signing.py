"""How the vendor proves that a notification is its own.

v1: hex sha256 of secret and body. v3: base64 of an HMAC-SHA256, keyed with the secret, over method, address, body and timestamp; of the
address only twelve escapes are decoded, once. The body counts as the bytes that are sent.

Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

import base64
import hashlib
import hmac
import re

_ESCAPE = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)  # : / ? @ ! $ ' ( ) * , ;


def v1(secret: str, body: bytes) -> str:
    """The first version's signature; nothing in it is about when or where."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def v3(secret: str, url: str, body: bytes, *, timestamp_ms: int, method: str = "POST") -> str:
    """The third version's signature of a request to that address at that time."""
    signed = b"".join((method.encode(), _decoded(url).encode(), body, str(timestamp_ms).encode()))
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


def headers(secret: str, url: str, body: bytes, *, timestamp_ms: int) -> dict[str, str]:
    """Both signatures as a notification carries them."""
    return {
        "X-HubSpot-Signature": v1(secret, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": v3(secret, url, body, timestamp_ms=timestamp_ms),
        "X-HubSpot-Request-Timestamp": str(timestamp_ms),
    }


def _decoded(url: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), url)
