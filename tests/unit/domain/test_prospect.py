"""When two registrations are for one prospect."""

from __future__ import annotations

import pytest

from sync_worker.domain.deals.prospect import contact_key, prospect_key


@pytest.mark.parametrize("name", ["Globex Inc.", "GLOBEX", "  globex,  inc", "Glóbex, L.L.C."])
def test_a_name_is_the_same_whatever_its_case_accents_and_legal_form(name: str) -> None:
    assert prospect_key({"prospect_name": name}) == "globex"


@pytest.mark.parametrize(
    ("one", "other"), [("Globex North", "Globex South"), ("Acme", "Acme Foods"), ("東京 商事", "大阪 商事"), ("Co", "Inc")]
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    assert prospect_key({"prospect_name": one}) != prospect_key({"prospect_name": other})


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("Ann@Globex.com", "globex.com"),
        ("bo@www.globex.com", "globex.com"),
        ("ann@gmail.com", "ann@gmail.com"),
        ("not an address", None),
        ("@globex.com", None),
        ("ann@", None),
        ("a@b@c", None),
    ],
)
def test_a_contact_is_its_company_or_itself_where_anybody_has_an_address(email: str, key: str | None) -> None:
    assert contact_key({"contact_email": email}) == key


@pytest.mark.parametrize("values", [{}, {"prospect_name": None, "contact_email": None}, {"prospect_name": " . ", "contact_email": ""}])
def test_what_says_nothing_is_no_key(values: dict[str, None]) -> None:
    assert (prospect_key(values), contact_key(values)) == (None, None)
