"""`check` lists what is wrong with the CRM's data, and writes a CSV per field for bulk update."""

from __future__ import annotations

import csv
from pathlib import Path

from sync_worker.cli.check import write_csv
from sync_worker.steps.check import DataProblem


def test_a_file_per_field_holds_the_ids_and_a_column_to_fill_in(tmp_path: Path) -> None:
    # Given two companies without account type, and a contract value that names nobody
    problems = [
        DataProblem("account_type_blank", "Account", "Id", "001A", "Birch, Inc", "Portal_Account_Type__c", "account type is not set"),
        DataProblem("account_type_blank", "Account", "Id", "001B", "Cedar", "Portal_Account_Type__c", "account type is not set"),
        DataProblem(
            "contract_value_unresolved", "Account", "Id", "001A", "Birch, Inc", "Associated_Second_Partner__c", "'Zenith' names nobody"
        ),
        DataProblem("two_companies", "deals", "hs_object_id", "7", "Harbor", "association:portal_partner", "one label, two companies"),
        DataProblem("deleted_in_crm", "Lead", "Id", "00QA", "Harbor", "", "deleted in the CRM"),
    ]

    # When the files are written
    files = write_csv(tmp_path / "out", problems)

    # Then there is one per field, ready for a bulk update by id
    assert [file.name for file in files] == [
        "Account.Associated_Second_Partner__c.csv",
        "Account.Portal_Account_Type__c.csv",
        "Lead.record.csv",
        "deals.portal_partner.csv",
    ]
    with files[1].open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["Id", "Portal_Account_Type__c", "record", "code", "what_is_wrong"],
        ["001A", "", "Birch, Inc", "account_type_blank", "account type is not set"],
        ["001B", "", "Cedar", "account_type_blank", "account type is not set"],
    ]
    with files[3].open(newline="") as file:
        assert next(csv.reader(file)) == ["hs_object_id", "record", "code", "what_is_wrong"]
