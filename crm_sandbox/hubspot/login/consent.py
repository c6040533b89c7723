"""What an app asks a person for at `/oauth/authorize`. What is wrong with it the person sees, for the app is not known yet.

Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth
"""

from collections.abc import Mapping, Sequence

from crm_sandbox.consent_page import is_registered
from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID
from crm_sandbox.hubspot.login.scopes import EVERY_SCOPE

ASKED = ("client_id", "redirect_uri", "scope", "optional_scope", "state")


class ConsentRefusal(Exception):
    """The page says no."""


def scopes_of(asked: Mapping[str, str], registered: Sequence[str] | None) -> set[str]:
    """What the person would allow: every scope, and of the optional ones those that this account has.

    Raises: ConsentRefusal.
    """
    if asked.get("client_id") != SANDBOX_CLIENT_ID:
        raise ConsentRefusal("We couldn't find an app with this client id.")
    if not is_registered(asked.get("redirect_uri", ""), registered):
        raise ConsentRefusal("The redirect URL does not match one that the app names.")
    wanted = set(asked.get("scope", "").split())
    if not wanted or wanted - EVERY_SCOPE:
        missing = ", ".join(sorted(wanted - EVERY_SCOPE)) or "at least one"
        raise ConsentRefusal(f"There is a scope mismatch: the app does not have {missing}.")
    return wanted | (set(asked.get("optional_scope", "").split()) & EVERY_SCOPE)
