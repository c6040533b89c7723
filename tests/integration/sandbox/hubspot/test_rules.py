"""An admin's validation rules: on the dated addresses and for people, not on the numbered ones."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
import requests

from sync_worker.sandbox.hubspot.remote import HubspotRemote
from sync_worker.sandbox.remote import ControlError
from tests.integration.sandbox.hubspot.conftest import DATED, Wire

DATED_DEALS, NUMBERED_DEALS = f"/crm/objects/{DATED}/deals", "/crm/v3/objects/deals"
DEAL = {"dealname": "Harbor Freight", "dealstage": "appointmentscheduled", "pipeline": "default"}


def _create(wire: Wire, path: str, **properties: Any) -> requests.Response:
    return wire.post(path, {"properties": {**DEAL, **properties}})


def _refused(answer: requests.Response) -> list[Mapping[str, Any]]:
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR"), answer.text
    words = answer.json()["message"].removeprefix("Property values were not valid: ")
    return list(orjson.loads(words))


def test_a_name_that_may_not_be_until_the_rule_is_lifted(wire: Wire, remote: HubspotRemote) -> None:
    remote.add_validation_rule("deals", "dealname", "matches", "Freight", message="No freight", error="INVALID_NAME")

    assert _refused(_create(wire, DATED_DEALS)) == [
        {"isValid": False, "message": "No freight", "error": "INVALID_NAME", "name": "dealname"}
    ]
    assert _create(wire, NUMBERED_DEALS).status_code == 201
    with pytest.raises(ControlError):
        remote.create("deals", DEAL)

    remote.clear_validation_rules()
    assert _create(wire, DATED_DEALS).status_code == 201


def test_required_on_create_alone(wire: Wire, remote: HubspotRemote) -> None:
    made = _create(wire, DATED_DEALS).json()["id"]
    remote.add_validation_rule("deals", "amount", "is_blank", on="create", message="Amount is required")

    [bad] = _refused(_create(wire, DATED_DEALS))

    assert (bad["name"], bad["message"]) == ("amount", "Amount is required")
    assert _create(wire, DATED_DEALS, amount="5").status_code == 201
    renamed = wire.ask("PATCH", f"{DATED_DEALS}/{made}", json={"properties": {"dealname": "Still without"}})
    assert renamed.status_code == 200


def test_required_when_another_property_says_so(wire: Wire, remote: HubspotRemote) -> None:
    made = _create(wire, DATED_DEALS).json()["id"]
    remote.add_validation_rule("deals", "amount", "is_blank", when={"dealstage": "closedwon"})

    def closed(**more: str) -> requests.Response:
        return wire.ask("PATCH", f"{DATED_DEALS}/{made}", json={"properties": {"dealstage": "closedwon", **more}})

    assert [bad["name"] for bad in _refused(closed())] == ["amount"]
    assert remote.record("deals", made)["dealstage"] == "appointmentscheduled"
    assert closed(amount="1200.50").status_code == 200


def test_in_a_batch_only_the_row_is_refused(wire: Wire, remote: HubspotRemote) -> None:
    remote.add_validation_rule("deals", "amount", "gt", 1000)
    rows = {"small": "10", "large": "2000"}
    inputs = [{"objectWriteTraceId": name, "properties": {**DEAL, "amount": amount}} for name, amount in rows.items()]

    answer = wire.post(f"{DATED_DEALS}/batch/create", {"inputs": inputs})

    assert answer.status_code == 207
    assert [error["context"]["objectWriteTraceId"] for error in answer.json()["errors"]] == [["large"]]


@pytest.mark.parametrize(
    "wish",
    [
        {"object_name": "deals", "field": "nothing", "op": "is_blank"},
        {"object_name": "deals", "field": "amount", "op": "nothing"},
        {"object_name": "deals", "field": "amount", "op": "matches", "value": "("},
        {"object_name": "deals", "field": "amount", "op": "is_blank", "on": "delete"},
        {"object_name": "deals", "field": "amount", "op": "is_blank", "when": {"nothing": "1"}},
    ],
)
def test_rules_that_mean_nothing(remote: HubspotRemote, wish: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refused:
        remote.add_validation_rule(**wish)

    assert refused.value.status == 422
