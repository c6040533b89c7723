"""What an operator does in the console, told as a person does it: open a page, press a button, look at what became of it."""

from __future__ import annotations

import pytest

from crm_sandbox.remote import Remote
from sync_worker.domain.core.reconcile import Conflict
from sync_worker.errors import HeldForReview
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.intervene import go_on_queued
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies, failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.operate import halts, interventions
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, refuse

AT = "/console/portals/acme"
REFUSED = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.fixture
def refused(acme: Desk, sandbox: str) -> list[str]:
    """Five deals that a rule of the CRM has refused, and that rule is gone by now. Their failures' ids."""
    refuse(acme, sandbox, 5)
    return [row.failure.id for row in open_rows(acme, REFUSED)]


def open_rows(acme: Desk, code: str) -> list[failures.FailureRow]:
    with acme.installation.store.reading("acme") as tx:
        return failures.listed(tx, FailureFilter(code=code))


def test_failures_of_one_cause_are_previewed_and_replayed_to_zero_in_three_clicks(acme: Desk, ann: Visitor, refused: list[str]) -> None:
    # Given five deals that a rule had refused
    assert len(refused) == 5
    page = ann.open(f"{AT}/failures")
    assert "No freight this year" in page.words
    assert "Freight deal 4" in page.links
    # When the operator previews the replay of the cause, and presses the button that names the number
    preview = ann.press(page, "Preview replay")
    assert "Nothing was changed" in preview.words
    replay = ann.press(preview, "Replay 5", reason="the rule is gone")
    # Then the page of the replay says how far it is, and at the end that all passed
    assert "0 of 5" in replay.words
    acme.wakes("replay")
    go_on_queued(acme.installation.tenant("acme", "operator"))
    ended = ann.open(replay.url.removeprefix(acme.url))
    assert "5 of 5" in ended.words
    assert "the rule is gone" in ended.words
    assert open_rows(acme, REFUSED) == []
    # And the history of each names the person and the reason
    story = ann.open(f"{AT}/failures/{refused[0]}")
    assert "Ann (console)" in story.words
    assert "the rule is gone" in story.words


def test_a_failure_shows_its_record_on_both_sides(acme: Desk, ann: Visitor, refused: list[str], sandbox: str) -> None:
    # Given a deal that the CRM has refused as new: the CRM has no record of it yet
    page = ann.open(f"{AT}/failures/{refused[0]}")
    assert "there is no record of it yet" in page.words
    assert "Birch Systems" in page.words.split("Both sides")[1]
    # And a record that came with a value of no list
    (row,) = [row for row in open_rows(acme, "unlisted_value") if row.failure.object != "company"][:1]
    # Then its page shows what the CRM says beside what we hold, and leads to the record in the CRM
    page = ann.open(f"{AT}/failures/{row.failure.id}")
    assert page.links[f"{row.failure.object} {row.failure.record}"] == f"{sandbox}/{row.failure.record}"
    sides = page.words.split("Both sides")[1]
    assert "In the CRM" in sides
    with acme.installation.store.reading("acme") as tx:
        link = links.by_crm_ids(tx, row.failure.object, [row.failure.record])[row.failure.record]
        name = deals.by_ids(tx, [link.deal_id])[link.deal_id].deal.values["name"]
    assert sides.count(str(name)) == 2, "the CRM's name of it, and ours"


def test_a_failure_of_a_record_that_we_hold_nothing_of_says_so(acme: Desk, ann: Visitor) -> None:
    # Given a company that could not be read at all
    lost = failures.Failure("f-lost", "failure", "company", "001X", "ingest", "value_malformed", "no", "r", payload={"Name": "Nowhere Ltd"})
    with acme.installation.store.side_transaction("acme") as tx:
        failures.record(tx, [lost])
    # Then its page shows the CRM's side alone
    page = ann.open(f"{AT}/failures/f-lost")
    assert "we hold nothing of it" in page.words
    assert "Nowhere Ltd" in page.words.split("Both sides")[1]


def test_chosen_failures_alone_are_replayed(acme: Desk, ann: Visitor, refused: list[str]) -> None:
    # Given five failures, of which the operator ticks two
    page = ann.open(f"{AT}/failures?code={REFUSED}")
    preview = ann.press(page, "Preview replay of those", ids=refused[:2])
    # When they are replayed
    ann.press(preview, "Replay 2")
    go_on_queued(acme.installation.tenant("acme", "operator"))
    # Then the other three are open still
    assert {row.failure.id for row in open_rows(acme, REFUSED)} == set(refused[2:])


def test_a_replay_that_is_stopped_tries_no_more(acme: Desk, ann: Visitor, refused: list[str]) -> None:
    # Given a replay that no worker has begun
    replay = ann.press(ann.press(ann.open(f"{AT}/failures"), "Preview replay"), "Replay 5")
    # When the operator stops it
    stopped = ann.press(replay, "Stop the replay", reason="wrong portal")
    # Then it is over, its failures are open, and the next turn of a worker does nothing
    assert "a person stopped the replay" in stopped.words
    go_on_queued(acme.installation.tenant("acme", "operator"))
    assert len(open_rows(acme, REFUSED)) == len(refused)
    with acme.installation.store.reading("acme") as tx:
        (act,) = interventions.listed(tx, "stop")
    assert (act.actor, act.reason) == ("Ann (console)", "wrong portal")


def test_failures_are_discarded_with_a_reason_only(acme: Desk, ann: Visitor, refused: list[str]) -> None:
    page = ann.open(f"{AT}/failures?code={REFUSED}")
    # Without a reason nothing is discarded
    assert ann.press(page, "Discard those chosen", ids=refused[:1], reason=" ").status == 422
    assert len(open_rows(acme, REFUSED)) == 5
    # With one they are gone from the list, and the reason is kept
    ann.press(page, "Discard those chosen", ids=refused[:1], reason="the partner withdrew")
    assert len(open_rows(acme, REFUSED)) == 4
    assert "the partner withdrew" in ann.open(f"{AT}/failures/{refused[0]}").words


def test_what_nobody_has_chosen_is_not_replayed_or_discarded(acme: Desk, ann: Visitor, refused: list[str]) -> None:
    page = ann.open(f"{AT}/failures")
    for button in ("Preview replay of those", "Discard those chosen"):
        assert ann.press(page, button, reason="x").status == 422
    assert len(open_rows(acme, REFUSED)) == 5


def test_a_preview_in_a_paused_portal_says_who_paused_it(acme: Desk, ann: Visitor, refused: list[str]) -> None:
    # Given a portal that the operator has paused
    status = ann.open(AT)
    assert ann.press(status, "Pause the portal", reason="").status == 422
    paused = ann.press(status, "Pause the portal", reason="they move tonight")
    assert "they move tonight" in paused.words
    # Then no preview asks the CRM, and the page says why
    page = ann.press(ann.open(f"{AT}/failures"), "Preview replay")
    assert page.status == 409
    assert "they move tonight" in page.words
    # And after it goes on, the preview is there
    ann.press(ann.open(AT), "Go on")
    with acme.installation.store.reading("acme") as tx:
        assert halts.get(tx) is None
    assert ann.press(ann.open(f"{AT}/failures"), "Preview replay").status == 200


@pytest.mark.usefixtures("leaving")
def test_what_the_brake_holds_is_released_once_by_a_worker(acme: Desk, ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given five partners whose status was taken away in one go, which the brake holds
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    tenant = acme.installation.tenant("acme")
    acme.clock.forward(seconds=30)
    with pytest.raises(HeldForReview):
        pull(tenant, COMPANY)
    page = ann.open(f"{AT}/brake")
    assert "would go at once" in page.words
    # When the operator releases it, with a reason
    assert ann.press(page, "Release it once", reason="").status == 422
    asked = ann.press(page, "Release it once", reason="they left the program")
    # Then the page says that the workers are at it, and does not offer it again
    assert "the workers are at it" in asked.words
    assert "Release it once" not in asked.words
    # And when a worker has done it, the companies are inactive and nothing is held
    go_on_queued(acme.installation.tenant("acme", "operator"))
    done = ann.open(f"{AT}/brake")
    assert "The brake holds nothing" in done.words
    assert "they left the program" in done.words
    assert open_rows(acme, "held_for_review") == []
    with acme.installation.store.reading("acme") as tx:
        assert interventions.unfinished(tx) == []


def test_a_conflict_is_decided_by_the_value_that_the_person_chooses(acme: Desk, ann: Visitor) -> None:
    # Given a deal whose name both sides changed, in a paused portal, where a decision waits
    deal, tenant = acme.registered(), acme.installation.tenant("acme")
    push(tenant)
    ann.press(ann.open(AT), "Pause the portal", reason="they move")
    with acme.installation.store.transaction("acme") as tx:
        conflicts.record(tx, [("c-1", deal["id"], Conflict("name", "Before", "Theirs", deal["name"], "", "both_changed", "ask"))], "run-1")
    page = ann.open(f"{AT}/conflicts")
    assert "Theirs" in page.words
    # When the operator takes the CRM's value
    decided = ann.press(ann.open(f"{AT}/conflicts/c-1"), "Take this value", take="crm", reason="they called")
    # Then the decision is kept under their name
    assert "decided by Ann (console)" in decided.words
    with acme.installation.store.reading("acme") as tx:
        kept = conflicts.find(tx, "c-1")
    assert kept is not None
    assert kept["decided_by"] == "Ann (console)"
    assert kept["reason"] == "they called"


def test_a_run_shows_its_sum(acme: Desk, ann: Visitor) -> None:
    page = ann.open(f"{AT}/runs")
    address = next(path for words, path in page.links.items() if words == "pull")
    run = ann.open(address)
    assert run.status == 200
    assert "records that were read" in run.words
    assert ann.open(f"{AT}/runs/nothing").status == 404


def test_all_portals_show_what_needs_a_person(acme: Desk, ann: Visitor) -> None:
    page = ann.open("/console/")
    assert "no process runs" in page.words
    assert "acme" in page.links


def test_what_a_record_says_is_never_markup(acme: Desk, ann: Visitor, sandbox: str) -> None:
    # Given a deal whose name is a script, refused by the CRM
    with Remote(sandbox) as remote:
        remote.add_validation_rule("Lead", "Company", "matches", "Freight", message="<script>alert(1)</script>")
        acme.registered(prospect_name="Freight <img src=x onerror=alert(1)>", name="<b>bold</b>")
        push(acme.installation.tenant("acme"))
        remote.clear_validation_rules()
    # Then the pages show it as text
    (row,) = open_rows(acme, REFUSED)
    for path in (f"{AT}/failures", f"{AT}/failures/{row.failure.id}"):
        page = ann.open(path)
        assert "<script>alert" not in page.html
        assert "<img" not in page.html
        assert "<b>bold" not in page.html


def _crm_id(acme: Desk, name: str) -> str:
    with acme.installation.store.reading("acme") as tx:
        found = companies.find(tx, name)
    assert found is not None
    assert found.crm_id is not None
    return found.crm_id


def test_what_needs_a_person_leads_to_the_page_where_it_is_done(acme: Desk, ann: Visitor) -> None:
    page = ann.open(AT)
    assert "sync-worker failures list acme" in page.words
    assert page.links["Here"] == f"{AT}/failures"
