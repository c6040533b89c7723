"""The API as its callers meet it: a real server on loopback, a portal of twenty companies, its people, and what they send."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests
from fastapi import FastAPI

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sync_worker.bootstrap import Installation, build
from sync_worker.boundary import tokens as texts
from sync_worker.config.settings import Settings
from sync_worker.crm.faults import Patience
from sync_worker.domain.core.user import Role, User
from sync_worker.services import Services
from sync_worker.store.core import companies
from sync_worker.store.people import people, tokens
from sync_worker.store.people.tokens import NewToken
from sync_worker.web import server
from sync_worker.web.app import serving
from sync_worker.web.limits import ConnectionLimits
from tests import documented
from tests.integration.feed.inbox import SECRET
from tests.integration.steps.world import MAPPINGS, PORTAL, TERMS, Loaded
from tests.patience import HANG_S, until
from tests.servers import Clock

Answer = requests.Response
SCOPES = ("read", "write", "operate")
ENVIRON = {"SF_ID": SANDBOX_CLIENT_ID, "SF_SECRET": SANDBOX_CLIENT_SECRET, "FEED_SECRET": SECRET}
NONE: Mapping[str, str] = {}


@dataclass
class Desk:
    """A portal's back end: it holds a token and speaks for the portal's people."""

    url: str
    app: FastAPI
    installation: Installation
    clock: Clock
    token: str
    woken: list[tuple[str, str, str]]
    portal: str = "acme"
    queues: list[str] = field(default_factory=list)
    session: requests.Session = field(init=False)
    """It fails where an answer is not as the OpenAPI says."""

    def __post_init__(self) -> None:
        self.session = documented.session(self.app)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "",
        version: int | None = None,
        key: str = "",
        more: Mapping[str, str] = NONE,
    ) -> Answer:
        """One request. **Shapes** `path` after `/portals/{portal}`; `user` "" names nobody."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"Acting-User": user} if user else {}
        headers |= {"If-Match": f'"{version}"'} if version is not None else {}
        headers |= {"Idempotency-Key": key} if key else {}
        url = f"{self.url}/portals/{self.portal}{path}"
        answer = self.session.request(method, url, json=body, headers={**headers, **more}, timeout=HANG_S)
        well_told(answer)
        return answer

    def get(self, path: str, *, user: str = "", **more: Any) -> Any:
        """What stands there, which must be fine."""
        answer = self.send("GET", path, user=user, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, user: str = "", status: int = 200, **more: Any) -> Any:
        """What became of it, which must be fine."""
        answer = self.send("POST", path, body, user=user, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def registered(self, user: str = "rita", **terms: Any) -> Any:
        """A deal of Birch Systems with Arrow Electronics, unless told otherwise."""
        return self.post("/deals", {**TERMS, **terms}, user=user, status=201)

    def with_token(self, *scopes: str, **more: Any) -> Desk:
        """The same with another token."""
        return replace(self, token=made_token(self.installation, self.portal, scopes, **more))

    def bare(self, token: str = "") -> Desk:
        """The same with whatever this is."""
        return replace(self, token=token)

    def users(self, *users: User) -> None:
        with self.installation.store.transaction(self.portal) as tx:
            people.save(tx, list(users))

    def wakes(self, work: str, record: str = "", *, share: str = "") -> None:
        """A worker is sent this work. A thread of its own sends it, so it may come after the answer. **Shapes** `share` "": any queue."""
        told = (self.portal, work, record)
        until(lambda: any(one == told and share in ("", queue) for one, queue in zip(self.woken, self.queues, strict=False)))

    def id_of(self, name: str) -> str:
        with self.installation.store.reading(self.portal) as tx:
            found = companies.find(tx, name)
        assert found, name
        return found.id


def well_told(answer: Answer) -> None:
    """Whatever is refused: a 422 names its field as the caller spelled it, and what is allowed are values, not sentences."""
    if answer.status_code != 422 or not answer.content:
        return
    told = answer.json()
    assert told.get("field"), answer.text
    assert not [words for words in ("[key]", "function-", "..") if words in told["field"]], answer.text
    assert not [one for one in told.get("allowed", ()) if len(one.split()) > 6], answer.text


def made_token(installation: Installation, portal: str, scopes: Iterable[str], **more: Any) -> str:
    made = texts.make()
    with installation.store.side_transaction(portal) as tx:
        new = NewToken(made.id, "the portal", made.hash, sorted(scopes), made_by="Ann", expires_at=None)
        tokens.add(tx, replace(new, **more))
    return made.text


def cast(birch: str, arrow: str, other: str) -> list[User]:
    """The people: three of Birch Systems, three of Arrow Electronics, one of a third company, two of the vendor, and one who left."""

    def user(name: str, role: Role, company: str | None, **more: Any) -> User:
        return User(name, f"{name}@example.com", name.capitalize(), role, company, **more)

    return [
        user("rita", Role.SALES, birch),
        user("bert", Role.SALES, birch),
        user("mona", Role.MANAGER, birch),
        user("edna", Role.EXECUTIVE, birch),
        user("arlo", Role.MANAGER, arrow),
        user("sal", Role.SALES, arrow),
        user("both", Role.MANAGER, other, further_companies=frozenset({arrow})),
        user("olga", Role.MANAGER, other),
        user("vera", Role.MANAGER, None, is_vendor_admin=True),
        user("gone", Role.MANAGER, birch, is_active=False),
    ]


@contextmanager
def listening(app: FastAPI, limits: ConnectionLimits | None = None) -> Iterator[str]:
    """The application behind the server of the product, on a free port of loopback."""
    with server.listening(app, "127.0.0.1", 0, limits or ConnectionLimits()) as url:
        yield url


def portal_file(folder: Path, base_url: str, changes: Mapping[str, Any]) -> Path:
    """The folder with acme's file in it, JSON being YAML."""
    (folder / "config" / "portals").mkdir(parents=True, exist_ok=True)
    written = {**PORTAL, **changes, "crm": {**PORTAL["crm"], **changes.get("crm", {}), "base_url": base_url}}
    (folder / "config" / "portals" / "acme.yaml").write_text(json.dumps(written))
    return folder / "config"


@contextmanager
def desk(
    folder: Path,
    sandbox: str,
    loaded: Loaded,
    changes: Mapping[str, Any] = NONE,
    *,
    limits: ConnectionLimits | None = None,
    more: Mapping[str, Any] = NONE,
) -> Iterator[Desk]:
    """`acme` after its first load, with its people. **Shapes** `changes`: keys of its file; `more`: settings."""
    (folder / "sync-worker.db").write_bytes(loaded.database)
    clock = Clock(loaded.now)
    settings = Settings(
        database_url=f"sqlite:///{folder / 'sync-worker.db'}",
        config_dir=portal_file(folder, sandbox, changes),
        files_url=(folder / "files").as_uri(),
        **{"mappings_dir": MAPPINGS, **more},
    )
    woken: list[tuple[str, str, str]] = []
    queues: list[str] = []

    def send(portal: str, work: str, record: str, share: str) -> None:
        woken.append((portal, work, record))
        queues.append(share)

    with ExitStack() as stack:
        installation = build(settings, environ=ENVIRON, services=Services(clock=clock), patience=Patience(attempts=1))
        stack.callback(installation.close)
        app = serving(installation, send)
        url = stack.enter_context(listening(app, limits))
        made = Desk(url, app, installation, clock, made_token(installation, "acme", SCOPES), woken, queues=queues)
        stack.enter_context(closing(made.session))
        made.session.trust_env = False
        made.users(*cast(*map(made.id_of, ("Birch Systems", "Arrow Electronics", "Cedar IT"))))
        yield made
