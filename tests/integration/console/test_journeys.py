"""The pages of journeys and groups: one is previewed before it is made, and says whom it would reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.people.console import ConsoleRole
from sync_worker.steps.people.regroup import evaluate_groups
from sync_worker.store.people import groups
from sync_worker.store.tell import journeys, mails
from sync_worker.store.tell.journeys import StoredJourney
from sync_worker.web.console.core.lists import values_as_written, values_of
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


def test_a_journey_is_edited_with_all_its_filters_and_deleted(acme: Desk, vera: Visitor) -> None:
    # Given a journey with more filters than an empty form has rows, one of them for a company with a comma in its name
    filters = [{"field": "deal.amount", "operator": "at_least", "values": [str(number)]} for number in range(1, 6)]
    filters.append({"field": "deal.deal_type", "operator": "one_of", "values": ["new", "renewal"]})
    body = {"name": "Welcome", "trigger": "registered", "recipients": ["second_partner.manager"], "filters": filters}
    acme.post("/journeys", {"key": "welcome", **body, "subject": "New", "body": "A deal."}, user="vera", status=201)
    # When the vendor's admin edits its subject, after a preview
    page = vera.open(vera.open(f"{AT}/journeys/welcome").links["Edit it"])
    told = dict(page.form_of("Preview the journey").fields)
    said = {"trigger": "registered", "recipients": ["second_partner.manager"], "body": "A deal."}
    chosen = {f"{part}_{row}": one[part] for row, one in enumerate(filters) for part in ("field", "operator")}
    assert [told[f"values_{row}"] for row in (0, 5)] == ["1", "new, renewal"]
    preview = vera.press(page, "Preview the journey", **{**said, **chosen, "subject": "Newer"})
    assert "Nothing was kept" in preview.words
    kept = saved(acme)
    assert kept is not None
    assert kept.journey.subject == "New"
    vera.press(preview, "Save the journey for")
    # Then it is a version of its own with every filter, in their name
    kept = saved(acme)
    assert kept is not None
    assert (kept.version, kept.journey.subject, kept.saved_by) == (2, "Newer", "Ann (console)")
    assert [list(one.values) for one in kept.journey.filters] == [one["values"] for one in filters]
    # And it is deleted
    page = vera.press(vera.open(f"{AT}/journeys/welcome"), "Delete the journey")
    assert "Welcome" not in page.links
    assert vera.open(f"{AT}/journeys/welcome/edit").status == 404


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
        assert "Edit it" not in page.links
        for act in ("switch", "edit", "delete"):
            assert vera.send(f"{AT}/journeys/welcome/{act}", {"mark": mark, "to": "off"}).status_code == 409
        assert vera.open(f"{AT}/journeys/welcome/edit").status == 409
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
    acme.wakes("regroup")
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


def test_a_group_is_edited_after_a_preview_and_deleted(acme: Desk, vera: Visitor) -> None:
    # Given a group of two tiers, and of companies whose name has a comma
    conditions = [
        {"field": "tier", "operator": "one_of", "values": ["Gold", "Platinum"]},
        {"field": "name", "operator": "is_not", "values": ['Elm "E" Consulting, Inc.']},
    ]
    acme.post("/groups", {"key": "gold", "name": "Gold", "conditions": conditions}, status=201)
    page = vera.open(vera.open(f"{AT}/groups").links["Gold"])
    told = dict(page.form_of("Preview the group").fields)
    assert (told["values_0"], told["values_1"]) == ("Gold, Platinum", 'Elm "E" Consulting, Inc.')
    # When it is given another name, after a preview
    preview = vera.press(page, "Preview the group", name="Golden", field_0="tier", operator_0="one_of", field_1="name", operator_1="is_not")
    assert "Nothing was changed" in preview.words
    vera.press(preview, "Save the group")
    # Then its conditions are as they were
    with acme.installation.store.reading("acme") as tx:
        (group,) = groups.listed(tx)
    assert (group.name, group.changed_by) == ("Golden", "Ann (console)")
    assert [list(one.values) for one in group.conditions] == [one["values"] for one in conditions]
    acme.wakes("regroup")
    # And it is deleted; what is not there any more says so
    assert "Golden" not in vera.press(vera.open(f"{AT}/groups/gold"), "Delete the group").links
    assert vera.open(f"{AT}/groups/gold").status == 404
    assert vera.press(preview, "Save the group").status == 404


@pytest.mark.parametrize("values", [("Gold",), ("Elm, Inc.", 'say "so"', "plain"), ('"', ",", '",'), ()])
def test_several_values_in_one_field_are_read_as_they_were_written(values: tuple[str, ...]) -> None:
    assert values_of("one_of", values_as_written(Condition("tier", "one_of", values))) == values
