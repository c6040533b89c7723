"""The schema's way from nothing to the newest, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from sync_worker.domain.core.reconcile import Base
from sync_worker.errors import StoreDown
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, runs
from sync_worker.store.core.engine import Store
from sync_worker.store.deals import deals, quotes
from sync_worker.store.operate import migrate, version
from sync_worker.store.operate.schema import metadata
from sync_worker.store.sync import outbox, patch_backs
from tests.servers import Clock, PostgreSQL

ZOE = "Zo\u00eb Ltd"


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    with server.database(is_migrated=False) as url:
        yield url


def test_an_empty_database_comes_to_the_newest_version_and_stays_there(empty_url: str) -> None:
    with closing(Store(empty_url, clock=Clock())) as store:
        assert not version.is_current(store)
        assert migrate.upgrade(store) == (None, version.newest())
        assert version.is_current(store)
        assert migrate.upgrade(store) == (version.newest(), version.newest())


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")  # `definitions` compares these
def test_the_migrated_schema_is_the_one_of_the_tables(store: Store, empty_url: str) -> None:
    with closing(Store(empty_url, clock=Clock())) as made:
        with made.schema(writes=True) as connection:
            metadata.create_all(connection)
        assert definitions(store) == definitions(made)
    with store.schema(writes=False) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def definitions(store: Store) -> set[str]:
    """Tables and indexes as the database itself describes them; what Alembic does not compare (partial indexes, defaults) included."""
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"
    if store.engine.dialect.name == "postgresql":
        query = """SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version'
            UNION SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name != 'alembic_version'"""
    with store.schema(writes=False) as connection:
        return {" ".join(sql.split()).replace(" ,", ",") for sql in connection.execute(text(query)).scalars()}


def test_processes_that_upgrade_at_once_wait_for_each_other(empty_url: str) -> None:
    program = """
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from datetime import UTC, datetime
from sync_worker.store.core import engine
from sync_worker.store.operate import migrate, version
with closing(engine.Store(sys.argv[1], clock=lambda: datetime.now(UTC))) as store:
    print(migrate.upgrade(store))
"""
    command = [sys.executable, "-W", "error", "-c", program, empty_url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [process.communicate() for process in processes]
    newest = version.newest()
    assert sorted(answers) == sorted([(f"(None, {newest!r})\n", ""), *[(f"({newest!r}, {newest!r})\n", "")] * 2])


def test_threads_that_upgrade_at_once_wait_for_each_other(empty_url: str) -> None:
    def upgrade(_: int) -> tuple[str | None, str]:
        with closing(Store(empty_url, clock=Clock())) as store:
            return migrate.upgrade(store)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(upgrade, range(6)))
    assert [before for before, _ in answers].count(None) == 1


def test_the_newest_version_by_the_names_of_the_files_is_the_head_that_alembic_finds() -> None:
    assert version.newest() == ScriptDirectory.from_config(migrate._config()).get_current_head()


def test_a_database_of_a_newer_release_is_left_alone(store: Store) -> None:
    with store.schema(writes=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not version.is_current(store)
    with pytest.raises(StoreDown, match="newer release"):
        migrate.upgrade(store)


NUMBERS = {
    "deal_id": "d1",
    "owner_company": "birch",
    "second_partner": "arrow",
    "deal_type": "new",
    "currency": "EUR",
    "percent": "20",
    "term_years": 1,
    "billing_cycle": "annual",
    "starts_on": "2026-04-01",
    "lines": [{"name": "Seat", "unit_price": "10", "count": 2, "list_amount": "20.00", "amount": "16.00"}],
    "list_total": "20.00",
    "total": "16.00",
    "payments": [{"number": 1, "due_on": "2026-04-01", "amount": "16.00"}],
}


OLD_DEAL = """INSERT INTO deals (portal, id, version, lifecycle, attributes, created_at, updated_at)
    VALUES ('acme', :id, 1, :lifecycle, '{}', :at, :at)"""
OLD_QUOTE = """INSERT INTO quotes (portal, id, deal_id, pricing, version, currency, total, numbers, made_at, made_by, sent_at, sent_by)
    VALUES ('acme', :id, :deal, :pricing, 1, 'EUR', 16, :numbers, :at, 'Vera (vera)', :at, 'Vera (vera)')"""


def test_quotes_of_before_are_read_as_they_were_and_what_could_be_signed_still_can(empty_url: str) -> None:
    # Given a database of the release before, with a quote of each kind on a deal that waits for the signature and on one that does not
    with closing(Store(empty_url, clock=Clock())) as store:
        upgrade_to(store, "0007")
        moment = "2026-03-01 12:00:00.000000+00:00"
        with store.schema(writes=True) as connection:
            for deal_id, lifecycle in (("d1", "finalize_requested"), ("d2", "submitted")):
                connection.execute(text(OLD_DEAL), {"id": deal_id, "lifecycle": lifecycle, "at": moment})
                for pricing in ("distributor", "reseller"):
                    numbers = json.dumps({**NUMBERS, "deal_id": deal_id, "pricing": pricing})
                    row = {"id": f"{deal_id}-{pricing}", "deal": deal_id, "pricing": pricing, "numbers": numbers, "at": moment}
                    connection.execute(text(OLD_QUOTE), row)
        # When it is upgraded
        migrate.upgrade(store)
        # Then every quote is there, in its column, and the one that could be signed is offered
        with store.reading("acme") as tx:
            found = {one.id: one for deal_id in ("d1", "d2") for one in quotes.of_deal(tx, deal_id)}
        assert {id_: one.quote.column for id_, one in found.items()} == {
            "d1-distributor": "distributor",
            "d1-reseller": "deal",
            "d2-distributor": "distributor",
            "d2-reseller": "deal",
        }
        assert {one.quote.lines[0].line.discount for one in found.values()} == {0}
        assert {id_: one.offered_by for id_, one in found.items() if one.offered_at} == {"d1-distributor": "Vera (vera)"}


def test_names_of_the_release_before_are_found_by_what_they_look_like(empty_url: str) -> None:
    with closing(Store(empty_url, clock=Clock())) as store:
        # Given a database of the release before, with names of every kind
        upgrade_to(store, "0006")
        with store.schema(writes=True) as connection:
            for number, name in enumerate(["Zo\u00eb\u00a0Ltd", "Plain Ltd", "Zoe\u0308 Ltd"]):
                given = {"id": f"c{number}", "name": name}
                connection.execute(
                    text(
                        "INSERT INTO companies (portal, id, name, status, account_type, attributes, second_partner_values) "
                        "VALUES ('acme', :id, :name, 'active', 'partner', '{}', '[]')"
                    ),
                    given,
                )
                connection.execute(
                    text(
                        "INSERT INTO contract_values (portal, company_id, value, how, since_at, run_id) "
                        "VALUES ('acme', :id, :name, '', '2026-01-05T00:00:00+00:00', 'r')"
                    ),
                    given,
                )
        # when it is brought to this release
        migrate.upgrade(store)
        # then each is found by what it looks like
        with store.reading("acme") as tx:
            assert [one.id for one in companies.by_names(tx, [ZOE]).alike[ZOE]] == ["c0", "c2"]
            assert associations.unbound_values(tx, [ZOE, "Plain\u00a0Ltd"]) == sorted(["Zo\u00eb\u00a0Ltd", "Plain Ltd", "Zoe\u0308 Ltd"])


def upgrade_to(store: Store, version: str) -> None:
    """The schema as an earlier release left it."""
    with store.schema(writes=True) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_companies_keep_what_they_are_and_what_is_to_patch_when_patch_backs_are_claimed(empty_url: str) -> None:
    # Given two companies as release 0005 kept them, one of which carries its portal id in the CRM
    with closing(Store(empty_url, clock=Clock())) as store:
        upgrade_to(store, "0005")
        columns = (
            "portal, id, crm_id, name, status, account_type, attributes, second_partner_values, settled_no, portal_id_written_at, digest"
        )
        kept = "'active', 'partner', '{\"tier\": \"Gold\"}', '[\"North\"]', 7"
        rows = (
            f"('acme', 'c1', '001', 'Birch', {kept}, NULL, 12)",
            f"('acme', 'c2', '002', 'Cedar', {kept}, '2026-03-02 09:00:00.000000+00:00', 13)",
        )
        with store.schema(writes=True) as connection:
            for row in rows:
                connection.execute(text(f"INSERT INTO companies ({columns}) VALUES {row}"))
        # When the schema comes to the newest version
        migrate.upgrade(store)
        # Then both are what they were, and the one without its id is to be patched
        with store.side_transaction("acme") as tx:
            found = companies.by_crm_ids(tx, ["001", "002"])
            claimed = patch_backs.claim(tx, limit=9, token="t", until_at=tx.shared_now, alone_from=9)
        assert [(one.company.name, one.company.attributes, one.settled_no, one.digest, one.is_patched) for one in found.values()] == [
            ("Birch", {"tier": "Gold"}, 7, 12, False),
            ("Cedar", {"tier": "Gold"}, 7, 13, True),
        ]
        assert [(one.company_id, one.tries) for one in claimed] == [("c1", 0)]


def test_deals_keep_what_they_are_when_they_learn_who_decided(empty_url: str) -> None:
    # Given an approved deal as the release before kept it
    with closing(Store(empty_url, clock=Clock())) as store:
        upgrade_to(store, "0013")
        columns = "portal, id, version, created_at, updated_at, name, vendor_approval, expires_on, prospect_key, contact_key, attributes"
        at = "'2026-03-02 09:00:00.000000+00:00'"
        row = f"('acme', 'd1', 4, {at}, {at}, 'Deal', 'approved', '2026-12-31', 'prospect', 'contact', '{{\"region\": \"EMEA\"}}')"
        with store.schema(writes=True) as connection:
            connection.execute(text(f"INSERT INTO deals ({columns}) VALUES {row}"))
        # When the schema comes to the newest version
        migrate.upgrade(store)
        # Then it is what it was, and nobody knows who decided
        with store.reading("acme") as tx:
            found = deals.get(tx, "d1")
        assert found
        values = {name: value for name, value in found.deal.values.items() if value is not None}
        expected = {"name": "Deal", "vendor_approval": "approved", "expires_on": date(2026, 12, 31), "region": "EMEA"}
        assert (values, found.version) == (expected, 4)


def test_writes_under_way_keep_their_tries_when_they_are_counted_apart(empty_url: str) -> None:
    # Given writes as the release before kept them: one that was refused three times, one whose call was under way
    with closing(Store(empty_url, clock=Clock())) as store:
        upgrade_to(store, "0010")
        columns = "portal, object, record_id, state, generation, claim_until_at, sent, due_at, attempts, cause_run"
        rows = (
            "('acme', 'deal', 'd1', 'ready', 1, NULL, NULL, '2026-03-02 09:00:00.000000+00:00', 3, 'r1')",
            "('acme', 'deal', 'd2', 'uncertain', 2, NULL, '{\"name\": [\"a\", \"A\"]}', '2026-03-02 09:00:00.000000+00:00', 2, 'r1')",
        )
        with store.schema(writes=True) as connection:
            for row in rows:
                connection.execute(text(f"INSERT INTO outbox ({columns}) VALUES {row}"))
        # When the schema comes to the newest version
        migrate.upgrade(store)
        # Then each keeps its tries, and of the one under way the last is the send that nobody has answered
        with store.reading("acme") as tx:
            ready, uncertain = outbox.of(tx, "deal", ["d1", "d2"])
        assert (ready.refused, ready.unanswered, ready.sent, ready.sent_at) == (3, 0, None, None)
        assert (uncertain.refused, uncertain.unanswered, uncertain.sent_at) == (1, 1, uncertain.due_at)
        assert uncertain.sent == {"name": Base("a", "A")}


def test_deals_of_before_know_when_they_were_registered_first(empty_url: str) -> None:
    def at(hour: int) -> str:
        return f"2026-03-02 {hour:02}:00:00.000000+00:00"

    # Given deals of the release before: registered at birth, rejected since, a draft that was submitted, a draft, and one without a history
    deals_of_before = {"born": True, "rejected": False, "submitted": True, "draft": False, "old": True}
    turns = [("rejected", 2, "true", "false", 10), ("rejected", 3, "false", "true", 11), ("submitted", 2, "false", "true", 12)]
    with closing(Store(empty_url, clock=Clock())) as store:
        upgrade_to(store, "0023")
        with store.schema(writes=True) as connection:
            for deal_id, is_registered in deals_of_before.items():
                connection.execute(
                    text(f"INSERT INTO deals (portal, id, version, created_at, updated_at, is_registered, attributes) VALUES "
                         f"('acme', '{deal_id}', 1, '{at(9)}', '{at(9)}', {is_registered}, '{{}}')")
                )  # fmt: skip
            for deal_id, version, old, new, hour in turns:
                connection.execute(
                    text(f"INSERT INTO deal_changes (portal, deal_id, version, field, at, side, actor, run_id, old, new) VALUES "
                         f"('acme', '{deal_id}', {version}, 'is_registered', '{at(hour)}', 'portal', 'Ann', 'r1', '{old}', '{new}')")
                )  # fmt: skip
        # When the schema comes to the newest version
        migrate.upgrade(store)
        # Then each has the moment at which it was registered first
        with store.reading("acme") as tx:
            found = {one.deal.id: one.registered_at and one.registered_at.hour for one in deals.listed(tx)}
    assert found == {"born": 9, "rejected": 9, "submitted": 12, "draft": None, "old": 9}


BIRCH, CEDAR, DEAL, RUN = (f"{number}a2b3c4d-347d-5f72-9ef7-f51cccc8f418" for number in (9, 1, 0, 7))
ODD = "sixteen letters!"


def test_ids_and_moments_are_what_they_were_when_they_are_kept_narrow(empty_url: str) -> None:
    # Given companies, a contract, a deal, and what is owed, as the release before kept them; one id is not a uuid
    at, later = "2026-03-02 09:00:00.000001+00:00", "2026-03-02T11:30:00+02:00"
    rows: dict[str, list[dict[str, object]]] = {
        "runs": [{"id": RUN, "verb": "pull", "object": "company", "started_at": at, "seen_at": at, "finished_at": later, "state": "done"}],
        "companies": [
            {"id": id_, "crm_id": crm_id, "name": name, "status": "active", "account_type": kind, "crm_modified_at": at, **kept}
            for id_, crm_id, name, kind in (
                (BIRCH, "1", "Birch", "partner"),
                (CEDAR, "2", "Cedar", "second_partner"),
                (ODD, "3", "Odd", "partner"),
            )
            for kept in [{"attributes": "{}", "second_partner_values": '["Cedar"]'}]
        ],
        "contract_values": [
            {"company_id": BIRCH, "value": "Cedar", "resolved_id": CEDAR, "how": "name", "since_at": at, "run_id": RUN},
            {"company_id": ODD, "value": "Fir", "resolved_id": None, "how": "", "since_at": later, "run_id": RUN},
        ],
        "deals": [
            {
                "id": DEAL,
                "version": 1,
                "created_at": at,
                "updated_at": later,
                "owner_company": BIRCH,
                "second_partner": CEDAR,
                "attributes": "{}",
            }
        ],
        "outbox": [{"object": "deal", "record_id": DEAL, "state": "ready", "generation": 1, "due_at": later, "cause_run": RUN}],
    }
    with closing(Store(empty_url, clock=Clock())) as store:
        upgrade_to(store, "0026")
        with store.schema(writes=True) as connection:
            for table, of_table in rows.items():
                for row in of_table:
                    names = ", ".join(row)
                    values = ", ".join(f":{name}" for name in row)
                    connection.execute(text(f"INSERT INTO {table} (portal, {names}) VALUES ('acme', {values})"), row)
        # When the schema comes to the newest version
        migrate.upgrade(store)
        # Then each row says what it said, is found by its ids, and stands where it stood
        nine, half_past = datetime(2026, 3, 2, 9, 0, 0, 1, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        with store.reading("acme") as tx:
            run = runs.get(tx, RUN[:6])
            assert run
            assert (run.id, run.started_at, run.finished_at) == (RUN, nine, half_past)
            assert [one.id for one in companies.every(tx)] == [CEDAR, ODD, BIRCH]  # as their bytes are ordered
            birch, odd = companies.stored(tx, BIRCH), companies.stored(tx, ODD)
            assert birch
            assert odd
            assert (birch.crm_modified_at, odd.company.name) == (nine, "Odd")
            bound, unbound = associations.bindings(tx, [BIRCH])[BIRCH]["Cedar"], associations.bindings(tx, [ODD])[ODD]["Fir"]
            assert (bound.binding.company_id, bound.since_at, bound.run_id) == (CEDAR, nine, RUN)
            assert (unbound.binding.company_id, unbound.since_at) == (None, half_past)
            assert associations.pairs(tx, [CEDAR]) == {(BIRCH, CEDAR)}
            (found,) = deals.naming(tx, BIRCH)
            assert (found.deal.id, found.deal.values["second_partner"], found.updated_at) == (DEAL, CEDAR, half_past)
            (owed,) = outbox.listed(tx)
            assert (owed.record_id, owed.cause_run, owed.due_at) == (DEAL, RUN, half_past)
