"""docs/sandbox.md names what there is: every control, every kind of call, every option, the credentials."""

from dataclasses import fields
from pathlib import Path

from starlette.routing import Route

from sync_worker.sandbox.clock import Clock
from sync_worker.sandbox.hubspot.controls import control_routes
from sync_worker.sandbox.hubspot.kinds import CONTROLS, KINDS
from sync_worker.sandbox.hubspot.login.controls import login_controls
from sync_worker.sandbox.hubspot.push.controls import webhook_controls
from sync_worker.sandbox.hubspot.remote import HubspotRemote
from sync_worker.sandbox.hubspot.rule_controls import rule_controls
from sync_worker.sandbox.hubspot.seed import Sizes
from sync_worker.sandbox.hubspot.state import State
from sync_worker.sandbox.process import HubspotOptions

TEXT = (Path(__file__).parents[4] / "docs" / "sandbox.md").read_text().partition("\n# HubSpot\n")[2]


def _controls() -> set[str]:
    state = State(Sizes(companies=0, deals=0, inquiries=0), Clock(), "http://sandbox")
    routes: list[Route] = [*control_routes(state), *login_controls(state), *rule_controls(state), *webhook_controls(state)]
    return {route.path.removeprefix(f"{CONTROLS}/") for route in routes}


def test_every_control_has_its_row() -> None:
    assert [path for path in sorted(_controls()) if f"`{path}`" not in TEXT] == []


def test_every_kind_of_call() -> None:
    assert [kind for kind in sorted(KINDS) if f"`{kind}`" not in TEXT] == []


def test_every_option() -> None:
    names = [f"`--{option.name.replace('_', '-')}`" for option in fields(HubspotOptions)]
    assert [name for name in names if name not in TEXT] == []


def test_the_credentials_are_the_true_ones(remote: HubspotRemote) -> None:
    login = remote.login()
    assert f"Bearer {login['access_token']}`" in TEXT
    for name in ("client_id", "client_secret", "refresh_token"):
        assert f"`{login[name]}`" in TEXT, name
