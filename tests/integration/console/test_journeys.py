"""The pages of journeys and groups: one is previewed before it is made, and says whom it would reach."""

from __future__ import annotations

from pathlib import Path

from sync_worker.domain.people.console import ConsoleRole
from sync_worker.steps.people.regroup import evaluate_groups
from sync_worker.store.people import groups
from sync_worker.store.tell import journeys, mails
from sync_worker.store.tell.journeys import StoredJourney
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, console, operator
from tests.integration.steps.world import Loaded

AT = "/console/portals/acme"
WELCOME = {
    "key": "welcome", "name": "Welcome", "trigger": "registered", "recipients": ["second_partner.manager", "owner_company.sales"],
    "subject": "{{ deal.name }} was registered", "body": "Hello {{ recipient.name }},\r\n\r\n{{ owner_company.name }} registered a deal.",
    "field_0": "deal.amount", "operator_0": "at_least", "values_0": "1000",
}  # fmt: skip


def saved(acme: Desk) -> StoredJourney | None:
    with acme.installation.store.reading("acme") as tx:
        return journeys.get(tx, "welcome")


def test_a_journey_is_made_after_a_preview_of_whom_it_reaches_and_paused(acme: Desk, vera: Visitor) -> None:
    # Given a deal of Birch Systems with Arrow Electronics
    deal = acme.registered(name="Harbor lights", amount="48000.00", currency="EUR")
    # When the vendor's admin previews a journey on it
    preview = vera.press(vera.open(f"{AT}/new-journey"), "Preview the journey", deal=deal["id"], **WELCOME)
    # Then the page says who would get which mail, and nothing is kept or sent
    assert "Harbor lights was registered" in preview.words
    assert "Hello Arlo," in preview.words
    assert {"Arlo", "Rita"} <= set(preview.rows)
    assert saved(acme) is None
    # When they make it
    page = vera.press(preview, "Make the journey for")
    # Then it is on, as it was written, in their name
    kept = saved(acme)
    assert kept is not None
    assert (kept.is_on, kept.saved_by) == (True, "Ann (console)")
    assert kept.journey.body == "Hello {{ recipient.name }},\n\n{{ owner_company.name }} registered a deal."
    assert [one.words for one in kept.journey.filters] == ["deal.amount is at least 1000"]
    assert "Distributor Manager" in page.words
    assert "Welcome" in vera.open(f"{AT}/journeys").links
    # And it is tried on a deal, paused, and switched on again
    assert "Hello Arlo," in vera.open(f"{AT}/journeys/welcome?deal={deal['id']}").words
    page = vera.press(page, "Pause it")
    assert "off: it sends nothing" in page.words
    kept = saved(acme)
    assert kept is not None
    assert not kept.is_on
    vera.press(page, "Switch it on")
    with acme.installation.store.reading("acme") as tx:
        assert journeys.get(tx, "welcome").is_on  # type: ignore[union-attr]  # it is there
        assert mails.held_counts(tx) == {}
    # And the key is taken
    assert vera.press(preview, "Make the journey for").status == 409


def test_every_mistake_of_a_journey_is_said_and_the_form_keeps_what_was_written(acme: Desk, vera: Visitor) -> None:
    wrong = {**WELCOME, "key": "Big", "body": "{{ deal.nme }}", "field_0": "deal.amount", "operator_0": "contains"}
    page = vera.press(vera.open(f"{AT}/new-journey"), "Preview the journey", **wrong)
    assert page.status == 422
    for words in ("'Big' is not a key of a journey", "there is no tag 'deal.nme'", "no operator 'contains'"):
        assert words in page.words
    assert "{{ deal.nme }}" in page.words
    assert vera.open(f"{AT}/journeys/nothing").status == 404
    assert vera.open(f"{AT}/journeys/nothing?deal=x").status == 404


def test_a_journey_that_reaches_many_is_made_by_the_button_that_names_the_number(acme: Desk, vera: Visitor) -> None:
    # Given a journey to every role, which is more than half of the people
    roles = [f"{side}.{role}" for side in ("owner_company", "second_partner") for role in ("executive", "manager", "sales")]
    preview = vera.press(vera.open(f"{AT}/new-journey"), "Preview the journey", **{**WELCOME, "recipients": roles})
    assert "This is more than the 50 %" in preview.words
    # Then it is refused without the number, and made with the one that the page shows
    assert vera.press(preview, "Make the journey for", confirm_users="").status == 409
    assert saved(acme) is None
    assert vera.press(preview, "Make the journey for").status == 200
    assert saved(acme) is not None


def test_a_journey_of_a_file_is_shown_and_not_changed(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "journeys" / "acme"
    folder.mkdir(parents=True)
    (folder / "welcome.yaml").write_text(
        "name: Welcome\ntrigger: registered\nrecipients: [second_partner.manager]\nsubject: New\nbody: A deal was registered.\n"
    )
    with console(tmp_path, sandbox, loaded) as acme:
        vera = operator(acme, ConsoleRole.VENDOR, "acme")
        page = vera.open(f"{AT}/journeys/welcome")
        assert "welcome.yaml" in page.words
        mark = page.form_of("Log out").fields[0][1]
        assert vera.send(f"{AT}/journeys/welcome/switch", {"mark": mark, "to": "off"}).status_code == 409
        kept = saved(acme)
    assert kept is not None
    assert kept.is_on


def test_a_group_is_made_after_a_preview_of_whom_it_reaches(acme: Desk, vera: Visitor) -> None:
    # Given conditions that one company meets
    birch = {"name": "Birch", "key": "birch", "field_0": "name", "operator_0": "is", "values_0": "Birch Systems"}
    preview = vera.press(vera.open(f"{AT}/groups"), "Preview the group", **birch)
    assert "Birch Systems" in preview.links
    assert "1 of" in preview.words
    with acme.installation.store.reading("acme") as tx:
        assert groups.listed(tx) == []
    # When the group is made, and a worker has evaluated it
    vera.press(preview, "Make the group")
    assert ("acme", "regroup", "") in acme.woken
    evaluate_groups(acme.installation.tenant("acme"))
    # Then it has the company's active users, and the page says so
    page = vera.open(f"{AT}/groups")
    assert "name is Birch Systems" in page.words
    with acme.installation.store.reading("acme") as tx:
        (group,) = groups.listed(tx)
        assert groups.counts(tx, "birch", group.stood_no) == (1, 4)
    assert group.changed_by == "Ann (console)"
    # And what is wrong is said: an operator that the field has not, a key that is taken, and a key that cannot be one
    assert "no operator" in vera.press(page, "Preview the group", **{**birch, "operator_0": "between"}).words
    assert vera.press(preview, "Make the group").status == 409
    assert vera.press(page, "Preview the group", **{**birch, "key": "preview"}).status == 422
