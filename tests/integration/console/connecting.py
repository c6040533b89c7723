"""A portal that a person connects: its file, and what the person does at the vendor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sync_worker.store.core import failures, portals
from tests.contract.store.samples import failure
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Page, Visitor, console
from tests.integration.sandbox.consent import press
from tests.integration.steps.world import Loaded

AT: Final = "/console/portals/acme"
KEY: Final = "c3luYy13b3JrZXItdGVzdHMtc2VjcmV0LWtleS0wMDE="
BY_CONSENT: Final[Mapping[str, Any]] = {
    "auth": {"flow": "authorization_code", "domain": "acme.my", "client_id": "${SF_ID}", "client_secret": "${SF_SECRET}"}
}


@contextmanager
def unconnected(folder: Path, sandbox: str, loaded: Loaded, *, key: str | None = KEY, **crm: Any) -> Iterator[Desk]:
    """`acme`, which logs in by a consent that nobody has given yet. **Shapes** `crm`: further keys of its file's `crm`."""
    with console(folder, sandbox, loaded, settings={"secret_key": key}, changes={"crm": {**BY_CONSENT, **crm}}) as made:
        yield made


def vendors_page(ann: Visitor) -> str:
    """Where the link leads that Ann's button has shown."""
    page = ann.open(f"{AT}/connection")
    shown = ann.press(page, "Connect")
    return next(address for words, address in shown.links.items() if words.startswith("Go to"))


def sent_back(url: str, answer: str = "allow") -> str:
    """The address of ours that the vendor sends the browser to, after this button."""
    said = press(url, answer, {})
    assert said.status_code == 302, said.text
    return said.headers["location"]


def come_back(ann: Visitor, url: str) -> Page:
    """Ann's browser follows the vendor's redirect."""
    return ann.open(url.removeprefix(ann.base))


def connect(ann: Visitor) -> Page:
    """The whole way."""
    return come_back(ann, sent_back(vendors_page(ann)))


def refused_log_in(acme: Desk, message: str) -> None:
    """The portal rests, as an actor leaves it whose log-in was refused."""
    problem = failure("f1", "pull", kind="problem", stage="pull", code="auth_failed", message=message, field="", run_id="")
    with acme.installation.store.side_transaction("acme") as tx:
        failures.record(tx, [problem])
        portals.pause(tx, tx.shared_now + timedelta(hours=1), message)
