"""No secret and no token in any error's text, in its chain, in a log line or in a repr."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.session import Client, SalesforceToken
from sync_worker.errors import SyncError
from tests.integration.salesforce.conftest import KEY, Lab, written

TROUBLE: list[dict[str, Any]] = [
    {"status": 401},
    {"status": 401, "body": "html"},
    {"status": 403, "error_code": "REQUEST_LIMIT_EXCEEDED"},
    {"status": 404},
    {"status": 503, "body": "html"},
    {"status": 500},
    {"status": 200, "body": "html"},
    {"status": 400, "error_code": "INVALID_FIELD", "message": "No such column 'X'"},
    {"status": 400, "error_code": "QUERY_TIMEOUT"},
    {"drop_connection": True},
]
CALLS: dict[str, Callable[[Lab, SalesforceCrm], object]] = {
    "scan": lambda lab, crm: list(crm.changed_since(lab.scan())),
    "fetch": lambda _, crm: crm.fetch("Lead", ["00QSb0000000001"], fields=()),
    "key": lambda _, crm: crm.find_by_key("Lead", KEY, ["key-1"], fields=()),
    "describe": lambda _, crm: crm.describe("Lead"),
    "write": lambda _, crm: written(crm, RecordWrite("a", {"Company": "X"}, key="key-1")),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("trouble", TROUBLE, ids=str)
@pytest.mark.parametrize("where", ["token", "/services/data/"])
def test_no_error_tells_a_secret(
    lab: Lab, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str, trouble: dict[str, Any], where: str
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens: list[str] = []
    build = Client.__init__

    def watched(self: Client, token: SalesforceToken, *rest: Any) -> None:
        tokens.append(token.access_token)
        build(self, token, *rest)

    monkeypatch.setattr(Client, "__init__", watched)
    lab.remote.fault(where, times=99, **trouble)
    told = [caplog.text]
    try:
        told.append(repr(CALLS[name](lab, lab.connect())))
    except SyncError as error:
        told.append("".join(traceback.format_exception(error)))
    text = "\n".join([*told, caplog.text])
    assert where == "token" or tokens
    for secret in (lab.client_secret, *tokens):
        assert secret not in text
    assert "Basic " not in text
    assert "Bearer " not in text


def test_a_repr_tells_no_secret(lab: Lab) -> None:
    assert lab.client_secret not in repr(lab.credentials)
    assert "00D-secret" not in repr(SalesforceToken("00D-secret", "https://acme"))
