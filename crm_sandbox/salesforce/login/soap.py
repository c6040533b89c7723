"""SOAP `login()`: a username and a password with the security token behind it → a session, in the vendor's envelopes.

Present up to API 64; retired with Summer '27, and off in new orgs.
Source: https://help.salesforce.com/s/articleView?id=005132110
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from crm_sandbox.salesforce.data.org import ORG_ID
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.salesforce.wire.soap_fault import SoapFault, envelope_of

LAST_VERSION = 64  # the last API version with login()
SESSION_SECONDS = 7200


def bad_login() -> SoapFault:
    """A wrong username or password, or another org's id."""
    return SoapFault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What a client asks: `organization_id` only from clients that name their org."""

    username: str
    password: str
    organization_id: str | None

    @classmethod
    def read(cls, texts: dict[str, str], path: str) -> "LoginRequest":
        """From the texts of an envelope sent to `…/Soap/u/59.0`.

        Raises: SoapFault.
        """
        version = path.partition("/Soap/")[2].split("/")[1]
        number = version.partition(".")[0]
        if not number.isdigit() or not 31 <= int(number) <= LAST_VERSION:
            raise SoapFault("UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: login() is not available in {version}")
        if "login" not in texts:
            raise SoapFault("UNKNOWN_EXCEPTION", "No operation available for request; the sandbox knows login() alone")
        scope = texts.get("organizationId")
        return cls(texts.get("username", ""), texts.get("password", ""), scope or None)

    @property
    def is_for_this_org(self) -> bool:
        """Whether the client's org, if it names one, is ours."""
        return self.organization_id is None or to_18(self.organization_id) == ORG_ID


def logged_in(user: Values, session_id: str, *, instance_url: str, path: str, dialect: str = "partner") -> bytes:
    """The answer to a login that holds."""
    letter, version = path.partition("/Soap/")[2].split("/")[:2]
    org15 = ORG_ID[:15]
    body = (
        "<loginResponse><result>"
        f"<metadataServerUrl>{instance_url}/services/Soap/m/{version}/{org15}</metadataServerUrl>"
        "<passwordExpired>false</passwordExpired><sandbox>true</sandbox>"
        f"<serverUrl>{instance_url}/services/Soap/{letter}/{version}/{org15}</serverUrl>"
        f"<sessionId>{session_id}</sessionId><userId>{user['Id']}</userId>{_user_info(user)}"
        "</result></loginResponse>"
    )
    return envelope_of(f'xmlns="urn:{dialect}.soap.sforce.com"', body)


def _user_info(user: Values) -> str:
    facts = {
        "accessibilityMode": "false",
        "chatterExternal": "false",
        "currencySymbol": "$",
        "orgAttachmentFileSizeLimit": "26214400",
        "orgDefaultCurrencyIsoCode": "USD",
        "orgDefaultCurrencyLocale": "en_US",
        "orgDisallowHtmlAttachments": "false",
        "orgHasPersonAccounts": "false",
        "organizationId": ORG_ID,
        "organizationMultiCurrency": "false",
        "organizationName": "Northwind Software",
        "profileId": "00eSb000000000BAAQ",
        "roleId": None,
        "sessionSecondsValid": str(SESSION_SECONDS),
        "userDefaultCurrencyIsoCode": None,
        "userEmail": user["Email"],
        "userFullName": user["Name"],
        "userId": user["Id"],
        "userLanguage": "en_US",
        "userLocale": "en_US",
        "userName": user["Username"],
        "userTimeZone": "Etc/UTC",
        "userType": "Standard",
        "userUiSkin": "Theme3",
    }
    parts = [f'<{name} xsi:nil="true"/>' if value is None else f"<{name}>{escape(value)}</{name}>" for name, value in facts.items()]
    return f"<userInfo>{''.join(parts)}</userInfo>"
