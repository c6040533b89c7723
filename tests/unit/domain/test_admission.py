"""As what a person is let into the console whom the company's own log-in has named."""

from __future__ import annotations

from typing import Any, Final

import pytest

from sync_worker.domain.people.console import Admission, ConsoleRole, admission_of, admitted, claimed

ROLES: Final = {
    "partners": admission_of("vendor@acme"),
    "other-support": admission_of("operator@globex"),
    "support": admission_of("operator@acme"),
    "ops": admission_of("operator"),
    "gone": admission_of("operator@gone"),
}
PORTALS: Final = ("acme", "globex")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((), None),
        (("cooks",), None),
        (("Ops", "ops "), None),
        (("partners",), "vendor@acme"),
        (("partners", "cooks"), "vendor@acme"),
        (("partners", "support"), "operator@acme"),
        (("support", "other-support"), "operator@globex"),  # equals: the one that is written first
        (("partners", "support", "ops"), "operator"),
        (("gone",), None),  # a portal that is not there
        (("gone", "partners"), "vendor@acme"),
    ],
)
def test_the_value_that_grants_most_counts(values: tuple[str, ...], found: str | None) -> None:
    admission = admitted(values, ROLES, PORTALS)
    assert (str(admission) if admission else None) == found


@pytest.mark.parametrize("written", ["", "vendor", "vendor@", "operator@", "admin", "admin@acme", "@acme", "Operator"])
def test_what_is_not_an_admission_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        admission_of(written)


def test_an_admission_is_read_as_it_is_shown() -> None:
    assert admission_of("operator@acme") == Admission(ConsoleRole.OPERATOR, "acme")
    assert {str(admission_of(one)) for one in ("operator", "vendor@acme")} == {"operator", "vendor@acme"}


@pytest.mark.parametrize(
    ("claims", "claim", "values"),
    [
        ({"groups": ["a", "b", 1, None]}, "groups", {"a", "b"}),
        ({"role": "a"}, "role", {"a"}),
        ({}, "groups", set()),
        ({"groups": {"a": "b"}}, "groups", set()),
        ({"email": "ann@example.com", "email_verified": True}, "email", {"ann@example.com"}),
        ({"email": "ann@example.com", "email_verified": "true"}, "email", set()),
        ({"email": "ann@example.com"}, "email", set()),
    ],
)
def test_a_claim_is_one_text_or_several(claims: dict[str, Any], claim: str, values: set[str]) -> None:
    assert claimed(claims, claim) == values
