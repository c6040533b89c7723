"""docs/sandbox.md names what there is: every control, every kind of call, every key of a fault order, the credentials."""

from pathlib import Path

from starlette.routing import Route

from crm_sandbox.clock import Clock
from crm_sandbox.faults import Fault
from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.controls.bulk import bulk_controls
from crm_sandbox.salesforce.controls.controls import control_routes
from crm_sandbox.salesforce.controls.login import login_controls
from crm_sandbox.salesforce.controls.push import push_controls
from crm_sandbox.salesforce.data.seed import SalesforceSizes
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.kinds import CONTROLS, KINDS

TEXT = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


def _controls() -> set[str]:
    state = SalesforceState(SalesforceSizes(companies=0, leads=0, opportunities=0), Clock(), "http://sandbox")
    routes: list[Route] = [*control_routes(state), *login_controls(state), *bulk_controls(state), *push_controls(state)]
    state.org.store.close()
    return {route.path.removeprefix(f"{CONTROLS}/") for route in routes}


def test_every_control_has_its_row() -> None:
    assert [path for path in sorted(_controls()) if f"`{path}`" not in TEXT] == []


def test_every_kind_of_call_and_every_key_of_an_order() -> None:
    assert [kind for kind in sorted(KINDS) if f"`{kind}`" not in TEXT] == []
    keys = set(Fault.__slots__) - {"hits"}
    assert [key for key in sorted(keys) if f"`{key}`" not in TEXT] == []


def test_the_credentials_are_the_true_ones(remote: Remote) -> None:
    login = remote.login()
    for name in ("client_id", "client_secret", "username", "password", "security_token", "refresh_token"):
        assert f"`{login[name]}`" in TEXT, name
