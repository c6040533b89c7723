"""The page on which a person lets an app into the account: who asks, for what, and two buttons. Both imitations show it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

ALLOW: Final = "allow"
_HEAD: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,"></head>'
    "<body><main><h1>{title}</h1>"
)


def consent_page(vendor: str, wanted: Sequence[str], form: Mapping[str, str]) -> Response:
    """The page. **Shapes** `form`: what the client asked with; it comes back with the button."""
    hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.items())
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in wanted)
    title = f"Allow access to the sandbox {vendor}?"
    return HTMLResponse(
        f"{_HEAD.format(title=title)}<p>sync-worker asks for:</p><ul>{scopes}</ul>"
        f'<form method="post">{hidden}<button name="answer" value="{ALLOW}">Allow</button> '
        '<button name="answer" value="deny">Deny</button></form>'
        "</main></body></html>"
    )


def refusal_page(title: str, words: str) -> Response:
    """What a person sees whom the vendor cannot send back, because it does not know where to."""
    return HTMLResponse(f"{_HEAD.format(title=escape(title))}<p>{escape(words)}</p></main></body></html>", 400)


def sent_back(redirect_uri: str, said: Mapping[str, str]) -> Response:
    """The browser goes back to the client. **Shapes** `said`: what the address says; an empty value is left out."""
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, (parts.query, urlencode({name: value for name, value in said.items() if value}))))
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)


def addresses(written: object) -> Sequence[str] | None:
    """Those that a control registers; None for any on loopback.

    Raises: ValueError.
    """
    if written is None or (isinstance(written, list) and all(isinstance(one, str) for one in written)):
        return written
    raise ValueError("redirect_uris must be a list of addresses, or null for any on loopback")


def is_registered(redirect_uri: str, registered: Sequence[str] | None) -> bool:
    """Whether the app names this address. **Shapes** `registered` None: any address on loopback will do."""
    if registered is not None:
        return redirect_uri in registered
    parts = urlsplit(redirect_uri)
    return parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost", "::1")
