"""An admin's validation rules: for people and from version 2026-09 on, not before."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import ControlError
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


def _missing(answer: requests.Response) -> list[tuple[str, str, list[str]]]:
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR"), answer.text
    assert answer.json()["message"] == "The property values provided are invalid"
    return [(error["code"], error["message"], error["context"]["propertyName"]) for error in answer.json()["errors"]]


def test_required_on_create_alone(wire: Wire, remote: HubspotRemote) -> None:
    made = _create(wire, DATED_DEALS).json()["id"]
    remote.add_validation_rule("deals", "amount", "is_blank", on="create")

    assert _missing(_create(wire, DATED_DEALS)) == [("MISSING_REQUIRED_PROPERTY", "A value for amount must be provided", ["amount"])]
    assert _create(wire, DATED_DEALS, amount="5").status_code == 201
    renamed = wire.ask("PATCH", f"{DATED_DEALS}/{made}", json={"properties": {"dealname": "Still without"}})
    assert renamed.status_code == 200


def test_required_when_another_property_says_so(wire: Wire, remote: HubspotRemote) -> None:
    made = _create(wire, DATED_DEALS).json()["id"]
    remote.add_validation_rule("deals", "amount", "is_blank", when={"dealstage": "closedwon"})

    def closed(**more: str) -> requests.Response:
        return wire.ask("PATCH", f"{DATED_DEALS}/{made}", json={"properties": {"dealstage": "closedwon", **more}})

    words = "amount is required because of a conditional property rule based on [dealstage]"
    assert _missing(closed()) == [("MISSING_CONDITIONAL_REQUIRED_PROPERTY", words, ["amount"])]
    assert remote.record("deals", made)["dealstage"] == "appointmentscheduled"
    assert closed(amount="1200.50").status_code == 200


@pytest.mark.parametrize("version", ["v3", "2026-03"])
def test_versions_before_2026_09_know_no_rules(wire: Wire, remote: HubspotRemote, version: str) -> None:
    remote.add_validation_rule("deals", "amount", "is_blank")
    assert _create(wire, f"/crm/objects/{version}/deals").status_code == 201


def test_in_a_batch_only_the_row_is_refused(wire: Wire, remote: HubspotRemote) -> None:
    remote.add_validation_rule("deals", "amount", "gt", 1000, message="Ask first")
    remote.add_validation_rule("deals", "amount", "is_blank")
    rows = {"small": "10", "large": "2000", "none": ""}
    inputs = [{"objectWriteTraceId": name, "properties": {**DEAL, "amount": amount}} for name, amount in rows.items()]

    answer = wire.post(f"{DATED_DEALS}/batch/create", {"inputs": inputs})

    assert answer.status_code == 207
    refused = {error["context"]["objectWriteTraceId"][0]: error for error in answer.json()["errors"]}
    assert set(refused) == {"large", "none"}
    assert "Ask first" in refused["large"]["message"]
    assert refused["none"]["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    assert [row["properties"]["amount"] for row in answer.json()["results"]] == ["10"]


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
