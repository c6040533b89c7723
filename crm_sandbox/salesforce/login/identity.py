"""Who a token belongs to: the identity URL's answer, userinfo (OpenID's names for the same), and introspection."""

from typing import Any

from crm_sandbox.salesforce.data.org import ORG_ID
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.login.auth import SESSION_LIFE, Session
from crm_sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID

Shape = dict[str, Any]
_SETTINGS = {"active": True, "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": 0}
_REST = {
    "rest": "",
    "sobjects": "sobjects/",
    "search": "search/",
    "query": "query/",
    "recent": "recent/",
    "tooling_rest": "tooling/",
}
_SOAP = {"enterprise": "c", "metadata": "m", "partner": "u", "tooling_soap": "T"}


def identity(user: Values, url: str, instance_url: str) -> Shape:
    """What the identity URL says."""
    return {
        "id": url,
        "asserted_user": True,
        "user_id": user["Id"],
        "organization_id": ORG_ID,
        "username": user["Username"],
        "nick_name": user["Username"].partition("@")[0],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "first_name": user["FirstName"],
        "last_name": user["LastName"],
        "timezone": "Etc/UTC",
        "photos": _photos(instance_url),
        "status": {"created_date": None, "body": None},
        "urls": _urls(user, instance_url),
        **_SETTINGS,
        "last_modified_date": user["SystemModstamp"],
        "is_app_installed": True,
    }


def userinfo(user: Values, url: str, instance_url: str) -> Shape:
    """The same in OpenID Connect's names."""
    return {
        "sub": url,
        "user_id": user["Id"],
        "organization_id": ORG_ID,
        "preferred_username": user["Username"],
        "nickname": user["Username"].partition("@")[0],
        "name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": "Etc/UTC",
        "photos": _photos(instance_url),
        "profile": f"{instance_url}/{user['Id']}",
        "picture": f"{instance_url}/profilephoto/005/F",
        "address": {},
        "urls": _urls(user, instance_url),
        **_SETTINGS,
        "updated_at": user["SystemModstamp"],
        "is_app_installed": True,
    }


def introspection(session: Session, user: Values) -> Shape:
    """What a client learns of a live token."""
    moment = int(session.used_at.timestamp())
    return {
        "active": True,
        "scope": "api",
        "client_id": SANDBOX_CLIENT_ID,
        "username": user["Username"],
        "sub": f"{ORG_ID}/{user['Id']}",
        "token_type": "access_token",
        "exp": moment + int(SESSION_LIFE.total_seconds()),
        "iat": moment,
        "nbf": moment,
    }


def _photos(instance_url: str) -> Shape:
    return {"picture": f"{instance_url}/profilephoto/005/F", "thumbnail": f"{instance_url}/profilephoto/005/T"}


def _urls(user: Values, instance_url: str) -> Shape:
    soap = {name: f"{instance_url}/services/Soap/{letter}/{{version}}/{ORG_ID[:15]}" for name, letter in _SOAP.items()}
    rest = {name: f"{instance_url}/services/data/v{{version}}/{path}" for name, path in _REST.items()}
    return {**soap, **rest, "profile": f"{instance_url}/{user['Id']}", "custom_domain": instance_url}
