"""docs/sandbox.md names what there is: every control, every kind of call, every option, the credentials."""

from dataclasses import fields
from pathlib import Path

from starlette.routing import Route

from crm_sandbox.clock import Clock
from crm_sandbox.hubspot.controls.controls import control_routes
from crm_sandbox.hubspot.controls.login import login_controls
from crm_sandbox.hubspot.controls.push import webhook_controls
from crm_sandbox.hubspot.controls.rules import rule_controls
from crm_sandbox.hubspot.data.seed import HubspotSizes
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.kinds import CONTROLS, KINDS
from crm_sandbox.process import HubspotOptions

TEXT = (Path(__file__).parents[4] / "docs" / "sandbox.md").read_text().partition("\n# HubSpot\n")[2]


def _controls() -> set[str]:
    state = HubspotState(HubspotSizes(companies=0, deals=0, inquiries=0), Clock(), "http://sandbox")
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
