"""The addresses of logging in and of who is logged in. None of them is counted, and each looks after its own token."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.consent_page import ALLOW, consent_page, refusal_page, sent_back
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.login import identity, soap
from crm_sandbox.salesforce.login.auth import OAuthRefusal, Session, form_of
from crm_sandbox.salesforce.login.consent import ASKED
from crm_sandbox.salesforce.login.grants import basic, check_client
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.replies import answer, empty
from crm_sandbox.salesforce.wire.routing import route
from crm_sandbox.salesforce.wire.soap_fault import SoapFault
from crm_sandbox.xml_text import BadXml, texts_by_name

XML_TYPE = "text/xml;charset=UTF-8"


class SalesforceLoginRoutes:
    """`/services/oauth2`, `/services/Soap` and `/id`."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def token(self, request: Request) -> Response:
        """POST for an access token, the form in the body or, as some clients have it, in the address."""
        body, header = await request.body() or request.url.query.encode(), request.headers.get("authorization")
        try:
            return answer(self._state.auth.grant(body, header))
        except OAuthRefusal as refusal:
            return answer(refusal.body, refusal.status)

    async def authorize(self, request: Request) -> Response:
        """GET the page that asks a person, POST what the person pressed; either way the browser goes back to the app."""
        asked = dict(request.query_params) if request.method == "GET" else form_of(await request.body())
        consents = self._state.auth.consents
        try:
            redirect_uri = consents.check(asked)
        except OAuthRefusal as refusal:
            return refusal_page(refusal.body["error"], refusal.body["error_description"])
        try:
            wish = consents.read(asked)
        except OAuthRefusal as refusal:
            return sent_back(redirect_uri, refusal.body | {"state": asked.get("state", "")})
        if request.method == "GET":
            return consent_page("Salesforce", wish.scopes, {name: asked[name] for name in ASKED if name in asked})
        if asked.get("answer") != ALLOW:
            denied = {"error": "access_denied", "error_description": "end-user denied authorization"}
            return sent_back(redirect_uri, denied | {"state": wish.state})
        code = consents.allow(wish, self._state.org.people.integration, self._state.clock.now())
        return sent_back(redirect_uri, {"code": code, "state": wish.state})

    async def soap(self, request: Request) -> Response:
        """POST of a login() envelope."""
        dialect = "enterprise" if "/Soap/c/" in request.url.path else "partner"
        try:
            done = self._soap_login(await request.body(), request.url.path, dialect)
        except SoapFault as fault:
            return Response(fault.envelope(dialect), 500, {"content-type": XML_TYPE})
        return Response(done, 200, {"content-type": XML_TYPE})

    def _soap_login(self, body: bytes, path: str, dialect: str) -> bytes:
        try:
            texts = texts_by_name(body)
        except BadXml as error:
            raise SoapFault("UNKNOWN_EXCEPTION", f"the envelope cannot be read: {error}") from None
        wish = soap.LoginRequest.read(texts, path)
        auth = self._state.auth
        if not auth.has_soap_login:
            words = "SOAP API login() is disabled by default in this org. Please contact your Salesforce administrator."
            raise SoapFault("INVALID_OPERATION", words)
        user = auth.grants.knows(wish.username, wish.password)
        if user is None or not user["IsActive"] or not wish.is_for_this_org:
            raise soap.bad_login()
        session = auth.open(user["Id"])
        return soap.logged_in(user, session.token, instance_url=auth.instance_url, path=path, dialect=dialect)

    async def identity(self, request: Request) -> Response:
        """GET who a user is, by the address that came with the token."""
        return await self._about(request, request.path_params["user"])

    async def userinfo(self, request: Request) -> Response:
        """GET who the token's user is."""
        return await self._about(request, None)

    async def _about(self, request: Request, user_id: str | None) -> Response:
        token = await _token(request)
        session = None if token is None else self._state.auth.alive(token)
        if session is None:
            return Response("Missing_OAuth_Token" if token is None else "Bad_OAuth_Token", 403, {"content-type": "text/html;charset=UTF-8"})
        if user_id is not None and user_id != session.user_id:
            return Response("Wrong_Org" if user_id[:3] != "005" else "Bad_Id", 404, {"content-type": "text/html;charset=UTF-8"})
        auth = self._state.auth
        tell = identity.userinfo if user_id is None else identity.identity
        return answer(tell(self._user(session), auth.identity_url(session.user_id), auth.instance_url))

    async def revoke(self, request: Request) -> Response:
        """POST (or GET) `token`: an access or a refresh token ends, and what hangs on it."""
        token = form_of(await request.body()).get("token") or request.query_params.get("token", "")
        auth = self._state.auth
        held = auth.refresh_tokens.revoke(token)
        if held is not None:
            auth.end(held.access_token or "")
        elif not auth.end(token):
            return answer(OAuthRefusal("invalid_token", "invalid token").body, 400)
        return empty(200)

    async def introspect(self, request: Request) -> Response:
        """POST `token` with the client's credentials."""
        form = form_of(await request.body()) | basic(request.headers.get("authorization"))
        try:
            check_client(form)
        except OAuthRefusal as refusal:
            return answer(refusal.body, refusal.status)
        session = self._state.auth.alive(form.get("token", ""))
        return answer({"active": False} if session is None else identity.introspection(session, self._user(session)))

    def _user(self, session: Session) -> Values:
        org = self._state.org
        user = org.store.get(org.sobject("User"), session.user_id)
        assert user is not None  # noqa: S101 - users are never deleted here
        return user


async def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "oauth"):
        return token.strip()
    for name in ("oauth_token", "access_token"):
        found = request.query_params.get(name) or form_of(await request.body()).get(name)
        if found:
            return found
    return None


def login_routes(state: SalesforceState) -> list[Route]:
    """The routes of this package."""
    login = SalesforceLoginRoutes(state)
    soap_paths = [f"/services/Soap/{letter}/{{api}}{tail}" for letter in "uc" for tail in ("", "/{org}")]
    return [
        route("/services/oauth2/authorize", GET=login.authorize, POST=login.authorize),
        route("/services/oauth2/token", POST=login.token),
        route("/services/oauth2/userinfo", GET=login.userinfo, POST=login.userinfo),
        route("/services/oauth2/revoke", GET=login.revoke, POST=login.revoke),
        route("/services/oauth2/introspect", POST=login.introspect),
        route("/id/{org}/{user}", GET=login.identity, POST=login.identity),
        *(route(path, POST=login.soap) for path in soap_paths),
    ]
