"""Every address of the console: without a session, with the other role, with another portal, and without the mark of a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from fastapi.routing import APIRoute

from sync_worker.domain.people.console import ConsoleRole
from sync_worker.steps.people.console import enter
from sync_worker.web.console.core.door import COOKIE, sealed
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, link_of, operator, stranger

VENDORS: Final = {"companies", "contract-values", "rules", "distributors", "terms"} | {
    "deals",
    "insights",
    "prices",
    "journeys",
    "new-journey",
    "groups",
}
"""What the vendor's admin may open in the portal of the session: the first word after it."""
OPEN: Final = {"/console/enter/{link}", "/console/enter", "/console/out", "/console/files/{name}", "/console/{_path}"} | {
    "/console/login",
    "/console/login/back",
}
"""What is shown to everybody."""
FOR_EVERY_ROLE: Final = {"/console/", "/console/leave"}
PARTS: Final[Mapping[str, str]] = dict.fromkeys(
    (
        *("failure_id", "replay_id", "run_id", "conflict_id", "company_id", "upper_id", "agreement_id", "deal_id"),
        *("inquiry_id", "token_id", "session_id", "journey_key", "group_key"),
    ),
    "00000000-0000-4000-8000-000000000004",
) | {"file": "portal"}


def addresses(acme: Desk, portal: str) -> Iterator[tuple[str, str]]:
    """(method, path) of every address behind the door."""
    for route in acme.app.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/console") and route.path_format not in OPEN:
            for method in sorted(route.methods or ()):
                yield method, route.path_format.format(**PARTS, portal=portal)


def asked(visitor: Visitor, method: str, path: str) -> int:
    return visitor.session.request(method, visitor.base + path, data={}, allow_redirects=False).status_code


def test_there_are_addresses_to_try(acme: Desk) -> None:
    assert len(list(addresses(acme, "acme"))) > 15


def test_without_a_session_nothing_is_shown_or_done(acme: Desk) -> None:
    visitor = stranger(acme)
    assert {asked(visitor, method, path) for method, path in addresses(acme, "acme")} == {401}


def of_vendors(path: str) -> bool:
    return path.removeprefix("/console/portals/acme/").split("/")[0] in VENDORS


def test_a_page_of_the_operator_is_not_shown_to_the_vendors_admin(acme: Desk) -> None:
    vendor = operator(acme, ConsoleRole.VENDOR, "acme")
    of_operators = [(method, path) for method, path in addresses(acme, "acme") if path not in FOR_EVERY_ROLE and not of_vendors(path)]
    assert {asked(vendor, method, path) for method, path in of_operators} == {403}


@pytest.mark.parametrize("role", list(ConsoleRole))
def test_both_roles_open_the_pages_of_the_vendors_admin_and_send_their_forms(acme: Desk, role: ConsoleRole) -> None:
    visitor = operator(acme, role, "acme")
    mark = visitor.open("/console/portals/acme/companies").form_of("Log out").fields[0][1]
    of_both = [(method, path) for method, path in addresses(acme, "acme") if of_vendors(path)]
    answers = {
        path: visitor.session.request(method, visitor.base + path, data={"mark": mark}, allow_redirects=False).status_code
        for method, path in of_both
    }
    assert answers
    assert {path: status for path, status in answers.items() if status not in (200, 303, 404, 409, 422)} == {}


def test_the_vendors_admin_begins_at_the_companies_and_can_leave(acme: Desk) -> None:
    vendor = operator(acme, ConsoleRole.VENDOR, "acme")
    page = vendor.open("/console/")
    assert page.url.endswith("/console/portals/acme/companies")
    assert "Failures" not in page.links
    vendor.press(page, "Log out")
    assert vendor.open("/console/").status == 401


def test_a_session_of_the_vendors_admin_for_all_portals_opens_nothing(acme: Desk) -> None:
    assert operator(acme, ConsoleRole.VENDOR, "").open("/console/portals/acme/companies").status == 401


def test_a_portal_that_the_link_was_not_made_for_is_not_there(acme: Desk) -> None:
    # Given a person whose link is for one portal
    visitor, vendor = operator(acme, home="acme"), operator(acme, ConsoleRole.VENDOR, "acme")
    # Then every address of another portal says that there is none
    of_portals = [(method, path) for method, path in addresses(acme, "elsewhere") if "/portals/" in path]
    assert {asked(visitor, method, path) for method, path in of_portals} == {404}
    assert {asked(vendor, method, path) for method, path in of_portals} <= {403, 404}


def test_a_session_of_a_portal_whose_file_was_taken_away_is_over(acme: Desk) -> None:
    # Given a session of a portal that has no file any more
    text = enter(acme.installation.store, "elsewhere", link_of(acme, home="elsewhere").rpartition(".")[2])
    visitor = stranger(acme)
    visitor.session.cookies.set(COOKIE, sealed("elsewhere", text or ""), path="/console")
    # Then it opens nothing
    assert {asked(visitor, method, path) for method, path in addresses(acme, "acme")} == {401}


def test_a_change_without_the_mark_of_its_form_is_not_made(acme: Desk, ann: Visitor) -> None:
    # Given a person in the console, and another site that sends forms in their name
    changes = [path for method, path in addresses(acme, "acme") if method == "POST"]
    assert len(changes) > 6
    # When it sends each of them without a mark, or with that of another session
    marks = ["", "x", "é", operator(acme).open("/console/").form_of("Log out").fields[0][1]]
    answers = {ann.send(path, {"mark": mark, "reason": "because"}).status_code for path in changes for mark in marks}
    # Then nothing is done
    assert answers == {403}
    assert acme.installation.tenant("acme").halted() is None
    assert ann.open("/console/").status == 200


def test_every_answer_binds_the_browser(acme: Desk, ann: Visitor) -> None:
    # Given pages, refusals, files and addresses that lead nowhere
    paths = ["/console/", "/console/nowhere", "/console/files/console.css", "/console/portals/acme/failures", "/console/enter/x"]
    # Then a page runs no script and loads no style but ours, stands in no frame, and tells no address
    for path in paths:
        headers = ann.open(path).headers
        assert "'unsafe" not in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_form_that_is_too_large_is_not_read(acme: Desk, ann: Visitor) -> None:
    answer = ann.session.post(f"{acme.url}/console/portals/acme/pause", data={"reason": "x" * 2_000_000})
    assert answer.status_code == 413
