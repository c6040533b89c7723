"""Moments at the edges of the calendar, numbers without an end and ids of other scripts: refused with their place, never a bug of ours."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.api.desk import Desk
from tests.patience import HANG_S

OUTSIDE = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999-00:01"]
INSIDE = ["0001-01-01T00:00:00Z", "0001-01-01T23:59:00+23:59", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z"]
NO_MOMENTS = [
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "9" * 20_000,
    "²",
    "2026-02-30T00:00:00Z",
    "٢٠٢٦-٠٣-٠٢",
]
MOMENTS = [
    ("/deals", "updated_since"),
    ("/companies/Birch%20Systems/associated-partners", "at"),
    ("/companies/Birch%20Systems/associated-partners/Arrow%20Electronics", "at"),
]
MANY = "1" * 20_000
IDS = ["1" * 190, "٠٠١٥", "²", "-1", "0", "1e9", "%00", "\U0001f680"]


@pytest.mark.parametrize(("path", "name"), MOMENTS)
@pytest.mark.parametrize("moment", OUTSIDE + NO_MOMENTS)
def test_a_moment_outside_of_the_calendar_is_refused_by_name(shared: Desk, path: str, name: str, moment: str) -> None:
    answer = shared.send("GET", f"{path}?{name}={quote(moment)}", user="rita")
    assert (answer.status_code, answer.json()["code"]) == (422, "value_malformed"), answer.text
    assert answer.json()["field"] == name


@pytest.mark.parametrize(("path", "name"), MOMENTS)
@pytest.mark.parametrize("moment", INSIDE)
def test_a_moment_at_the_edge_of_the_calendar_is_a_moment(shared: Desk, path: str, name: str, moment: str) -> None:
    assert shared.send("GET", f"{path}?{name}={quote(moment)}", user="rita").status_code == 200


@pytest.mark.parametrize("path", ["/deals", "/replays"])
@pytest.mark.parametrize("moment", OUTSIDE + NO_MOMENTS + ["2026-03-02T09:00:00", 7, None, ["2026-03-02T09:00:00Z"]])
def test_a_cursor_that_somebody_made_up_is_refused(shared: Desk, path: str, moment: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([moment, "x"]).encode()).decode().rstrip("=")
    answer = shared.send("GET", f"{path}?cursor={cursor}", user="rita")
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == "cursor"


@pytest.mark.parametrize("seq", [MANY, "9" * 19, "²", "٧", "-1", 7])
def test_a_number_without_an_end_is_no_cursor(shared: Desk, seq: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([seq]).encode()).decode().rstrip("=")
    assert shared.send("GET", f"/feed/events?cursor={cursor}").status_code == 422


@pytest.mark.parametrize("path", ["/companies/{id}", "/companies/{id}/options", "/companies/Birch%20Systems/associated-partners/{id}"])
@pytest.mark.parametrize("crm_id", IDS)
def test_an_id_that_there_cannot_be_is_not_there(shared: Desk, path: str, crm_id: str) -> None:
    written = crm_id if crm_id.startswith("%") else quote(crm_id)
    assert shared.send("GET", path.format(id=written), user="rita").status_code in (404, 422)


@pytest.mark.parametrize("path", ["/companies/{id}", "/deals/{id}", "/users/{id}", "/companies?limit={id}", "/feed/events?limit={id}"])
def test_an_id_of_20_000_digits_is_refused(shared: Desk, path: str) -> None:
    assert shared.send("GET", path.format(id=MANY), user="rita").status_code in (404, 422)


@pytest.mark.parametrize("number", [MANY, "-" + MANY, "1e400", "NaN", "Infinity", "-Infinity", "1" * 400, "0." + MANY])
@pytest.mark.parametrize("field", ["licence_count", "amount", "term_years"])
def test_a_number_without_an_end_in_a_body_is_refused(shared: Desk, field: str, number: str) -> None:
    headers = {"Authorization": f"Bearer {shared.token}", "Acting-User": "rita", "Content-Type": "application/json"}
    body = f'{{"owner_company": "Birch Systems", "prospect_name": "Harbor", "contact_last_name": "Berg", "{field}": {number}}}'
    answer = shared.session.post(f"{shared.url}/portals/acme/deals", data=body, headers=headers, timeout=HANG_S)
    assert answer.status_code == 422, answer.text[:500]
    assert len(answer.content) < 5_000


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1899-12-31"])
@pytest.mark.parametrize("field", ["expected_close_on", "starts_on"])
def test_a_day_at_the_edge_of_the_calendar_is_no_bug(shared: Desk, field: str, day: str) -> None:
    deal = shared.registered()
    if field == "starts_on":
        lines = [{"product": "Platform", "count": 1, "unit_price": "1.00"}]
        answer = shared.send("POST", f"/deals/{deal['id']}/quotes", {"pricing": "list", "lines": lines, "starts_on": day}, user="vera")
        assert answer.status_code == 422, answer.text
    else:
        answer = shared.send("PATCH", f"/deals/{deal['id']}", {field: day}, user="rita", version=deal["version"])
        assert answer.status_code in (200, 422), answer.text
        assert shared.send("GET", f"/deals/{deal['id']}", user="rita").status_code == 200


@pytest.mark.parametrize("header", ["If-Match", "Idempotency-Key", "Acting-User", "X-Request-ID", "If-None-Match"])
@pytest.mark.parametrize("value", [MANY, '"' + "9" * 5_000 + '"', "²".encode().decode("latin-1")])
def test_a_header_of_any_length_is_no_bug(shared: Desk, header: str, value: str) -> None:
    answer = shared.send("GET", "/deals", user="" if header == "Acting-User" else "rita", more={header: value})
    assert answer.status_code < 500, answer.text
