"""The pages of distributors: second partners with their subgroups, dated terms, and the versions of agreements."""

from __future__ import annotations

from sync_worker.domain.distributors.terms import Pair
from sync_worker.store.core import companies
from sync_worker.store.distributors import agreements, terms
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor
from tests.patience import HANG_S

AT = "/console/portals/acme"
PDF = b"%PDF-1.7 signed by both"


def vendor_pair(acme: Desk) -> Pair:
    """Arrow Electronics under the vendor."""
    with acme.installation.store.reading("acme") as tx:
        vendor = companies.vendor(tx)
    assert vendor is not None
    return Pair(acme.id_of("Arrow Electronics"), vendor.id)


def test_a_second_partner_is_shown_with_its_subgroups_and_their_terms(acme: Desk, vera: Visitor) -> None:
    # Given a subgroup that a member of Arrow made
    body = {"name": "Delta IT", "may_register": True, "percents": {"new": "12.50"}}
    acme.post("/companies/Arrow Electronics/subgroups", body, user="arlo", status=201)
    # When the vendor's admin goes from the list to the second partner, and on to the terms
    page = vera.open(f"{AT}/distributors?text=arrow")
    assert page.rows == ["Arrow Electronics"]
    one = vera.open(page.links["Arrow Electronics"])
    assert one.rows == ["Delta IT"]
    assert "new 12.50 %" in one.words
    told = vera.open(one.links["Terms of Delta IT"])
    # Then the terms are there, and members of Arrow alone change them
    assert "may register deals" in told.words
    assert "Members of Arrow Electronics set these terms" in told.words
    mark = told.form_of("Log out").fields[0][1]
    refused = vera.send(told.url.removeprefix(acme.url), {"mark": mark, "percent:new": "99"})
    assert refused.status_code == 409
    assert "Arlo" in one.words
    # And the page of a partner says that it is no distributor
    assert vera.open(f"{AT}/distributors/Birch Systems").status == 404


def test_terms_with_the_vendor_are_set_and_those_before_stay(acme: Desk, vera: Visitor) -> None:
    # Given a second partner without terms
    pair = vendor_pair(acme)
    at = f"{AT}/terms/{pair.company_id}/{pair.upper_id}"
    page = vera.open(at)
    assert "No terms were set yet" in page.words
    # When the vendor's admin sets some, and others an hour later
    bad = vera.press(page, "Set these terms", may_register="1", more_type="new", more_percent="101")
    assert (bad.status, "not a percent" in bad.words) == (422, True)
    vera.press(page, "Set these terms", may_register="1", more_type="new", more_percent="12.5")
    acme.clock.forward(minutes=20)
    done = vera.press(vera.open(at), "Set these terms", **{"percent:new": "15"})
    # Then the last ones hold, the first are history, each with who; and the CRM is told
    assert done.status == 200
    with acme.installation.store.reading("acme") as tx:
        found = [(one.terms.may_register, str(one.terms.percents["new"]), one.actor) for one in terms.history(tx, pair)]
    assert found == [(True, "12.50", "Ann (console)"), (False, "15.00", "Ann (console)")]
    assert "may not register deals" in done.words
    acme.wakes("push")


def test_an_agreement_with_the_vendor_is_uploaded_and_every_version_downloaded(acme: Desk, vera: Visitor) -> None:
    # Given the page of terms with the vendor
    pair = vendor_pair(acme)
    at = f"{AT}/terms/{pair.company_id}/{pair.upper_id}"
    mark = vera.open(at).form_of("Upload").fields[0][1]

    def upload(name: str, content: bytes) -> int:
        files = {"file": (name, content)}
        address = f"{acme.url}{at}/agreements"
        return vera.session.post(address, data={"mark": mark}, files=files, timeout=HANG_S, allow_redirects=False).status_code

    # When two versions are uploaded, one of more than a megabyte, and two files that are none
    assert upload("signed.pdf", PDF) == 303
    assert upload("signed again.pdf", PDF + b" " * (2 << 20)) == 303
    assert upload("signed.pdf", b"MZ not a document") == 409
    assert vera.send(f"{at}/agreements", {"mark": mark}).status_code == 422
    # Then both versions are on file, and their bytes come back as something to save
    with acme.installation.store.reading("acme") as tx:
        assert [one.version for one in agreements.versions(tx, pair)] == [2, 1]
    page = vera.open(at)
    answer = vera.session.get(acme.url + page.links["signed.pdf"], timeout=HANG_S)
    assert answer.content == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    # And through the address of another pair nothing is there
    elsewhere = page.links["signed.pdf"].replace(pair.company_id, acme.id_of("Bolt Distribution"))
    assert vera.open(elsewhere).status == 404
