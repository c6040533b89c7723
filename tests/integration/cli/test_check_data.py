"""`check --csv`: a file per problem and field, ready for a bulk update by id."""

from __future__ import annotations

import csv
from pathlib import Path

from sync_worker.cli.operate.check import write_csv
from sync_worker.steps.operate.setup.company_data import DataProblem

TYPE, CONTRACTS = "Portal_Account_Type__c", "Associated_Second_Partner__c"


def test_a_file_per_problem_holds_what_is_there_and_a_column_to_fill_in(tmp_path: Path) -> None:
    # Given two companies without account type, one with an unknown one, and a contract value that names nobody
    problems = [
        DataProblem("account_type_blank", "Account", "Id", "001A", "Birch, Inc", TYPE, "", "one of: Partner, Distributor"),
        DataProblem("account_type_unknown", "Account", "Id", "001C", "Dogwood", TYPE, "Reseller", "one of: Partner, Distributor"),
        DataProblem("account_type_blank", "Account", "Id", "001B", "Cedar", TYPE, "", "one of: Partner, Distributor"),
        DataProblem(
            "contract_value_unresolved", "Account", "Id", "001A", "Birch, Inc", CONTRACTS, "Zenith", "the name of a second partner"
        ),
    ]

    # When the files are written
    files = write_csv(tmp_path / "out", problems)

    # Then there is one per field and problem
    assert [file.name for file in files] == [
        f"Account.{CONTRACTS}.contract_value_unresolved.csv",
        f"Account.{TYPE}.account_type_blank.csv",
        f"Account.{TYPE}.account_type_unknown.csv",
    ]
    with files[1].open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["Id", "name", "field", "value", "wanted", TYPE],
        ["001A", "Birch, Inc", TYPE, "", "one of: Partner, Distributor", ""],
        ["001B", "Cedar", TYPE, "", "one of: Partner, Distributor", ""],
    ]
