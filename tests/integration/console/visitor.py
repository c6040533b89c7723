"""A person in the console, without JavaScript: pages as they come, forms as a browser sends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import requests

from crm_sandbox.remote import Remote
from sync_worker.domain.people.console import EVERY_PORTAL, ConsoleRole
from sync_worker.steps.people.console import Invited, invite
from sync_worker.steps.sync.push.push import push
from tests.integration.api.desk import NONE, Desk, desk
from tests.integration.steps.world import Loaded
from tests.patience import HANG_S


@dataclass
class HtmlForm:
    """A form of a page. **Shapes** `fields`: what is sent with it as it stands; `buttons`: words → address of their own, or ""."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page as a person meets it. **Shapes** `rows`: the heads of the rows of its tables."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__()
        self.status, self.url, self.html, self.headers = answer.status_code, answer.url, answer.text, answer.headers
        self.words, self.links, self.forms = "", dict[str, str](), list[HtmlForm]()
        self.rows = list[str]()
        self._open_link: str | None = None
        self._open_button: str | None = None
        self._said, self._head, self._is_head = "", "", False
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(HtmlForm(said.get("action", ""), said.get("method", "get")))
        elif tag == "input" and self.forms and said.get("name") and said.get("type") not in ("checkbox", "radio"):
            self.forms[-1].fields.append((said["name"], said.get("value", "")))
        elif tag == "th":
            self._is_head = said.get("scope") == "row"
            self._head = ""
        elif tag == "a":
            self._open_link, self._said = said.get("href", ""), ""
        elif tag == "button":
            self._open_button, self._said = said.get("formaction", ""), ""

    def handle_data(self, data: str) -> None:
        self.words += data
        self._said += data
        self._head += data

    def handle_endtag(self, tag: str) -> None:
        said = " ".join(self._said.split())
        if tag == "a" and self._open_link is not None:
            self.links[said], self._open_link = self._open_link, None
        elif tag == "th" and self._is_head:
            self.rows.append(" ".join(self._head.split()))
        elif tag == "button" and self._open_button is not None and self.forms:
            self.forms[-1].buttons[said], self._open_button = self._open_button, None

    def form_of(self, button: str) -> HtmlForm:
        return next(form for form in self.forms if any(words.startswith(button) for words in form.buttons))


@dataclass
class Visitor:
    """A browser with a session."""

    desk: Desk
    session: requests.Session

    @property
    def base(self) -> str:
        return self.desk.url

    def open(self, path: str) -> Page:
        return Page(self.session.get(self.base + path, timeout=HANG_S))

    def press(self, page: Page, button: str, **said: Any) -> Page:
        """Sends the form with this button. **Shapes** `said`: what the person writes or ticks; a list is sent once for each."""
        form = page.form_of(button)
        action = next(address for words, address in form.buttons.items() if words.startswith(button)) or form.action
        fields = [(name, value) for name, value in form.fields if name not in said]
        for name, value in said.items():
            fields += [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
        if form.method == "get":
            return Page(self.session.get(self.base + action, params=fields, timeout=HANG_S))
        return Page(self.session.request(form.method.upper(), self.base + action, data=fields, timeout=HANG_S))

    def send(self, path: str, fields: Mapping[str, str]) -> requests.Response:
        """A form that no page of ours made."""
        return self.session.post(self.base + path, data=dict(fields), timeout=HANG_S, allow_redirects=False)


def link_of(acme: Desk, role: ConsoleRole = ConsoleRole.OPERATOR, home: str = EVERY_PORTAL) -> str:
    text = invite(acme.installation.store, Invited(home, role, "Ann", "root"), timedelta(minutes=10))
    return f"/console/enter/{home}.{text}"


def stranger(acme: Desk) -> Visitor:
    session = requests.Session()
    session.trust_env = False
    return Visitor(acme, session)


def operator(acme: Desk, role: ConsoleRole = ConsoleRole.OPERATOR, home: str = EVERY_PORTAL) -> Visitor:
    """Somebody who has opened a link and pressed its button."""
    visitor = stranger(acme)
    page = visitor.press(visitor.open(link_of(acme, role, home)), "Open the console")
    assert page.status == 200 or role is not ConsoleRole.OPERATOR, page.html
    return visitor


def refuse(acme: Desk, sandbox: str, count: int) -> None:
    """Registers so many deals that a rule of the CRM refuses; the rule is gone afterwards."""
    with Remote(sandbox) as remote:
        remote.add_validation_rule("Lead", "Company", "matches", "Freight", message="No freight this year")
        for number in range(count):
            acme.registered(prospect_name=f"Freight {number}", name=f"Freight deal {number}")
        push(acme.installation.tenant("acme"))
        remote.clear_validation_rules()


@contextmanager
def console(folder: Path, sandbox: str, loaded: Loaded, *, settings: Mapping[str, Any] = NONE, **more: Any) -> Iterator[Desk]:
    """`acme` with the console on. **Shapes** `settings`: further ones."""
    with desk(folder, sandbox, loaded, more={"console": True, **settings}, **more) as made:
        yield made
