"""Making what records must look like: fields of every kind, and values of their lists; repeated, at once, and with its answer lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from sync_worker.crm.port import WholeCrm
from sync_worker.errors import SchemaRefused, UncertainWrite
from sync_worker.mapping.catalog import CatalogField
from sync_worker.mapping.required_schema import FieldKind, FieldWish, lack_of
from tests.contract.crm.bench import Bench
from tests.patience import HANG_S

KINDS: tuple[FieldKind, ...] = ("key", "text", "decimal", "integer", "boolean", "date", "picklist", "multi_picklist")


@pytest.fixture(params=["salesforce", "hubspot"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Schema is the same whatever way records are read."""
    made: Bench = request.getfixturevalue(f"{request.param}_bench")
    return made


@pytest.fixture
def crm(bench: Bench) -> WholeCrm:
    return bench.connect()


def _wish(bench: Bench, kind: FieldKind, *values: str) -> FieldWish:
    return FieldWish(bench.native, bench.new_field("extra"), kind, values=values, places=2, is_written=True)


def _field(crm: WholeCrm, wish: FieldWish) -> CatalogField | None:
    return crm.describe(wish.native).fields.get(wish.name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_was_made_lacks_nothing(bench: Bench, crm: WholeCrm, kind: FieldKind) -> None:
    wish = _wish(bench, kind, *(("gold", "silver") if "picklist" in kind else ()))
    assert _field(crm, wish) is None

    crm.schema.create(wish)

    assert lack_of(wish, _field(crm, wish)) is None
    crm.schema.create(wish)  # repeated, and by somebody else: no error
    bench.connect().schema.create(wish)
    assert lack_of(wish, _field(bench.connect(), wish)) is None


def test_a_list_may_be_made_before_its_values_are_known(bench: Bench, crm: WholeCrm) -> None:
    wish = _wish(bench, "multi_picklist")
    crm.schema.create(wish)
    empty = _field(crm, wish)
    assert empty is not None
    assert empty.values == ()

    crm.schema.add_values(wish, ["Arrow Electronics", "Bolt Distribution"])

    filled = _field(crm, wish)
    assert filled is not None
    assert filled.values == ("Arrow Electronics", "Bolt Distribution")


def test_values_are_added_behind_the_others(bench: Bench, crm: WholeCrm) -> None:
    wish = _wish(bench, "picklist", "gold", "silver")
    crm.schema.create(wish)

    crm.schema.add_values(wish, ["bronze", "gold"])
    crm.schema.add_values(wish, ["bronze"])

    field = _field(crm, wish)
    assert field is not None
    assert field.values == ("gold", "silver", "bronze")


def test_two_at_once_lose_no_value(bench: Bench, crm: WholeCrm) -> None:
    wish = _wish(bench, "multi_picklist", "first")
    crm.schema.create(wish)
    parts = [[f"{thread}.{number}" for number in range(3)] for thread in range(3)]

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(bench.connect().schema.add_values, wish, part) for part in parts]:
            done.result(timeout=HANG_S)

    field = _field(crm, wish)
    assert field is not None
    assert set(field.values or ()) == {"first", *(value for part in parts for value in part)}


def test_something_of_another_kind_under_the_name_stays_and_never_passes_for_made(bench: Bench, crm: WholeCrm) -> None:
    text, number = _wish(bench, "text"), _wish(bench, "integer")
    crm.schema.create(text)

    with suppress(SchemaRefused):  # a CRM that looks first says so at once
        crm.schema.create(number)

    lack = lack_of(number, _field(crm, number))
    assert lack is not None
    assert lack.kind == "other_type"
    assert lack_of(text, _field(crm, text)) is None


def test_a_lost_answer_is_repeated_and_made_once(bench: Bench, crm: WholeCrm) -> None:
    wish = _wish(bench, "key")
    bench.lose_definition()

    with suppress(UncertainWrite):
        crm.schema.create(wish)
    crm.schema.create(wish)

    assert lack_of(wish, _field(crm, wish)) is None
