"""The pages of contract values: what each stands for, and the hand of a person who says so."""

from __future__ import annotations

from sync_worker.steps.associations.associate import whom
from sync_worker.store.core import companies
from sync_worker.store.operate import interventions
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor

AT = "/console/portals/acme"
VALUE = "Granite Distribution"


def test_a_value_that_names_no_company_is_bound_by_hand_after_a_preview(acme: Desk, vera: Visitor) -> None:
    # Given a value that names no company
    page = vera.open(f"{AT}/contract-values?unbound=1")
    assert VALUE in page.rows
    # When the vendor's admin says which one it means, and looks at what that would do
    asked = vera.open(page.links[f"Bind {VALUE}"])
    preview = vera.press(asked, "Preview", company="Granite Group")
    assert "Nothing was changed yet" in preview.words
    assert "Elm Consulting" in preview.links
    assert vera.press(preview, "Bind it", reason="").status == 422
    assert VALUE in vera.open(f"{AT}/contract-values?unbound=1").rows
    done = vera.press(preview, "Bind it", reason="their old name")
    # Then it stands for that company, under the person's name and with the reason
    assert "their old name" in done.words
    assert VALUE not in vera.open(f"{AT}/contract-values?unbound=1").rows
    with acme.installation.store.reading("acme") as tx:
        (act,) = interventions.listed(tx, "rebind")
        elm = companies.find(tx, "Elm Consulting")
        assert elm is not None
        pairs, _ = whom(tx, elm)
    assert (act.actor, act.reason) == ("Ann (console)", "their old name")
    assert acme.id_of("Granite Group") in {pair.second_partner_id for pair in pairs}


def test_what_cannot_be_bound_is_refused_before_and_at_the_change(acme: Desk, vera: Visitor) -> None:
    at = f"{AT}/contract-values/bind"
    for value, company, status in ((VALUE, "Cedar IT", 409), ("?", "Granite Group", 409), (VALUE, "nothing", 404)):
        assert vera.open(f"{at}?value={value}&company={company}").status == status
        mark = vera.open(f"{AT}/companies").form_of("Log out").fields[0][1]
        assert vera.send(at, {"mark": mark, "value": value, "company": company, "reason": "x"}).status_code == status
    with acme.installation.store.reading("acme") as tx:
        assert interventions.listed(tx, "rebind") == []


def test_values_are_shown_page_by_page_each_once(vera: Visitor) -> None:
    whole = vera.open(f"{AT}/contract-values").rows
    assert len(whole) == len(set(whole)) > 2
    assert vera.open(f"{AT}/contract-values?text=granite").rows == [VALUE]
