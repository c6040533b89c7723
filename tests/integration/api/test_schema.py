"""The OpenAPI says the truth: whatever is made from it, nothing answers with a server's error, an undocumented status or another shape."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.integration.api.desk import Desk, well_told

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 3  # of each operation, in each mode; twelve found no more
PEOPLE = itertools.cycle(["vera", "rita", "arlo", None])
TAGS = itertools.cycle(["*", '"1"', None])


def operations(desk: Desk) -> list[Any]:
    schema = schemathesis.openapi.from_dict(desk.app.openapi())
    schema.config.update(base_url=desk.url)
    return [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # one that is no operation fails here


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
def test_nothing_made_from_the_openapi_breaks_it(acme: Desk, mode: Any) -> None:
    # Given deals to meet, and every operation of the portal's API
    places = {"portal": "acme", "company_id": "Birch Systems", "other_id": "Arrow Electronics", "user_id": "bert"}
    found = [one for one in operations(acme) if one.path.startswith("/portals/")]
    assert len(found) > 20
    statuses = set()
    deals = [acme.registered()["id"] for _ in found]  # before any of it: what is sent may end what makes registering possible
    for operation, deal_id in zip(found, deals, strict=True):
        places["deal_id"] = deal_id

        @seed(7)
        @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            # When something of its shape, or against it, is sent by somebody who may come in
            known = {name: value for name, value in places.items() if name in case.path_parameters}
            case.path_parameters = {**case.path_parameters, **known}
            person, tag = next(PEOPLE), next(TAGS)
            given_headers = {"Authorization": f"Bearer {acme.token}", "Acting-User": person, "If-Match": tag}
            case.headers = {**(case.headers or {}), **{name: value for name, value in given_headers.items() if value}}
            answer = case.call(session=acme.session)
            statuses.add(answer.status_code)
            # Then the answer is one of those that the OpenAPI tells
            case.validate_response(answer, checks=CHECKS)
            well_told(answer)

        check()
    assert {200, 422} <= statuses
