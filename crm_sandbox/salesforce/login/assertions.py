"""A signed assertion of the JWT bearer flow → the user it speaks for.

Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt
from jwt.types import Options

from crm_sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID
from crm_sandbox.salesforce.wire.refusal import OAuthRefusal

MAX_LIFE_S = 300  # an assertion may not say that it ends later than this
GRACE_S = 5  # between the client's second and ours
_AUDIENCES = re.compile(r"https://([\w-]+\.)*(salesforce|force|site|cloudforce)\.com(/.*)?")
_SIGNATURE_ONLY: Options = {  # the library asks the machine for the time; the sandbox has a clock of its own
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def username(assertion: str, public_pem: str, *, now: datetime, is_ours: Callable[[str], bool]) -> str:
    """The `sub` of an assertion that holds. `is_ours`: whether an audience is this sandbox under its own address.

    Raises: OAuthRefusal.
    """
    claims = _claims(assertion, public_pem)
    if claims.get("iss") != SANDBOX_CLIENT_ID:
        raise OAuthRefusal("invalid_client_id", "client identifier invalid")
    audience = str(claims.get("aud", ""))
    if not is_ours(audience) and not _AUDIENCES.fullmatch(audience):
        raise OAuthRefusal("invalid_grant", "audience is invalid")
    _check_end(claims.get("exp"), now.timestamp())
    return str(claims.get("sub", ""))


def _claims(assertion: str, public_pem: str) -> dict[str, Any]:
    try:
        return jwt.decode(assertion, public_pem, algorithms=["RS256"], options=_SIGNATURE_ONLY)
    except jwt.PyJWTError:
        raise OAuthRefusal("invalid_grant", "invalid assertion") from None


def _check_end(end: object, now_s: float) -> None:
    """`exp` in seconds since 1970, a number or a text of one."""
    try:
        end_s = float(str(end))
    except ValueError:
        raise OAuthRefusal("invalid_grant", "invalid assertion") from None
    if end_s <= now_s - GRACE_S:
        raise OAuthRefusal("invalid_grant", "expired assertion")
    if end_s > now_s + MAX_LIFE_S + GRACE_S:
        raise OAuthRefusal("invalid_grant", "invalid assertion: exp is too far in the future")
