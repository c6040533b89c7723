"""The configuration in the console: what counts, without a secret; tokens made and ended; a colleague's session ended."""

from __future__ import annotations

from crm_sandbox.process import SANDBOX_CLIENT_SECRET
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, operator

AT = "/console/portals/acme/configuration"


def test_the_files_are_shown_as_they_count_and_no_secret_is(acme: Desk, ann: Visitor) -> None:
    page = ann.open(AT)
    for words in ("associations.mode", "contracts", "schedule.pull", "salesforce.yaml", "Account.Associated_Second_Partner__c"):
        assert words in page.words
    assert "${SF_SECRET}" in page.words
    assert SANDBOX_CLIENT_SECRET not in page.html
    assert "Rita" in page.words


def test_a_token_is_made_shown_once_and_revoked(acme: Desk, ann: Visitor) -> None:
    # Given an operator who has said what the token is for
    page = ann.open(AT)
    assert ann.press(page, "Make the token", name="nightly export").status == 422
    made = ann.press(page, "Make the token", name="nightly export", scopes=["read"])
    # Then its text is on that page alone, and lets its holder in
    text = next(word for word in made.words.split() if word.startswith("swk_"))
    assert made.headers["Cache-Control"] == "no-store"
    assert text not in ann.open(AT).html
    assert acme.bare(text).send("GET", "/users").status_code == 200
    # And once it is revoked it lets nobody in
    revoked = ann.press(ann.open(AT), f"Revoke {text.split('_')[1]}")
    assert "revoked by Ann (console)" in revoked.words
    assert acme.bare(text).send("GET", "/users").status_code == 401


def test_a_session_is_ended_by_those_who_may_see_it(acme: Desk, ann: Visitor) -> None:
    # Given a colleague whose session is for this portal alone, and one whose session is for all
    colleague = operator(acme, home="acme")
    assert "all" not in [row.strip() for row in colleague.open(AT).words.split("In the console now")[1].split("people")[0].split("\n")]
    # When Ann ends the colleague's
    ann.press(ann.open(AT), "End the session of")
    # Then the colleague is outside, and Ann is inside
    assert colleague.open(AT).status == 401
    assert ann.open(AT).status == 200
