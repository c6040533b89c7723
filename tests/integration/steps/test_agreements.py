"""Agreements on a real store and a real folder: the gate opens when the last thing it asks for is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.deal import Deal, Policy, Refusal
from sync_worker.domain.core.values import Value
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.files import Files, open_files
from sync_worker.services import Services
from sync_worker.steps.distributors.agree import IncomingFile, Upload, gate, upload
from sync_worker.steps.operate.sweep_files import sweep_files
from sync_worker.store.core import companies, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.distributors import agreements, subgroups, terms
from sync_worker.store.distributors.agreements import Agreement
from tests.servers import MONDAY, Clock, sqlite_store

BIRCH = Company("birch", "0011", "Birch", PortalStatus.ACTIVE, AccountType.PARTNER)
ARROW = Company("arrow", "0012", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
VENDOR = Company("vendor", "0013", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR)
PAIR = Pair("birch", "arrow")
DEAL: dict[str, Value] = {"owner_company": "birch", "second_partner": "arrow", "lifecycle": "submitted"}


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with closing(sqlite_store(tmp_path, clock=clock)) as store:
        with store.transaction("acme") as tx:
            portals.enter(tx, "contracts")
            companies.save(tx, [StoredCompany(company, MONDAY) for company in (BIRCH, ARROW, VENDOR)])
        yield store


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return open_files((tmp_path / "files").as_uri())


def refused(store: Store, deal_type: str = "new") -> str:
    with store.reading("acme") as tx:
        refusal = gate(tx, Deal("d1", {**DEAL, "deal_type": deal_type}), Policy())
    return refusal.code if refusal else ""


def upload_one(store: Store, files: Files, content: bytes = b"%PDF-1.7 signed", name: str = "signed.pdf") -> Agreement | Refusal:
    return upload(store, "acme", files, Upload(Services().new_id(), PAIR, IncomingFile(name, [content]), "Bo"))


def test_a_subgroup_registers_once_it_has_terms_a_percent_and_an_agreement(store: Store, files: Files) -> None:
    # Given a partner that is nobody's subgroup: nothing is asked of it
    assert refused(store) == ""

    # When it becomes one, each thing that is missing is asked for in turn
    with store.transaction("acme") as tx:
        subgroups.begin(tx, Subgroup("birch", "arrow", "promoted", tx.now, "Bo"))
    assert refused(store) == "terms_missing"
    with store.transaction("acme") as tx:
        terms.begin(tx, PAIR, Terms(True, {"new": Decimal(10)}), "Bo")
    assert refused(store, "renewal") == "percent_missing"
    assert refused(store) == "agreement_missing"
    kept = upload_one(store, files, name="../Signed.PDF")

    # Then it may register, and the agreement is on file as it came in
    assert refused(store) == ""
    assert isinstance(kept, Agreement)
    assert (kept.version, kept.name, kept.size_bytes, kept.uploaded_by) == (1, "Signed.PDF", 15, "Bo")
    pieces = files.read(kept.key)
    assert pieces is not None
    assert b"".join(pieces) == b"%PDF-1.7 signed"


def test_terms_between_the_second_partner_and_the_vendor_count_as_well(store: Store) -> None:
    with store.transaction("acme") as tx:
        terms.begin(tx, Pair("arrow", "vendor"), Terms(False), "Vera")
    assert refused(store) == "may_not_register"


def test_a_refused_upload_leaves_no_row_and_no_file(store: Store, files: Files) -> None:
    answer = upload_one(store, files, b"MZ not a contract")
    assert isinstance(answer, Refusal)
    assert answer.code == "file_type_unknown"
    with store.reading("acme") as tx:
        assert agreements.versions(tx, PAIR) == []
    assert files.keys("acme") == {}


def test_a_file_whose_row_was_never_committed_is_swept_and_no_other(store: Store, files: Files) -> None:
    # Given an agreement on file, and one whose worker died before the commit
    kept = upload_one(store, files)
    assert isinstance(kept, Agreement)
    upload(store, "globex", files, Upload("a9", PAIR, IncomingFile("other.pdf", [b"%PDF-1.7"]), "Bo"))
    with store.transaction("globex") as tx:
        (others,) = agreements.versions(tx, PAIR)
    files_before = set(files.keys("acme"))

    # When the sweep comes by today, and in two days
    orphan = f"acme/agreements/{Services().new_id()}"
    (Path(files._folder or ".") / orphan).write_bytes(b"%PDF-1.7")
    assert sweep_files(store, "acme", files, services=Services()) == 0
    later = Services(clock=lambda: datetime.now(UTC) + timedelta(days=2))
    assert sweep_files(store, "acme", files, services=later) == 1

    # Then only that one is gone
    assert set(files.keys("acme")) == files_before == {kept.key}
    assert set(files.keys("globex")) == {others.key}
