"""Who is shown which flag of a deal, and in which words."""

from __future__ import annotations

import re
from datetime import timedelta

from sync_worker.domain.core.problem import CODES
from sync_worker.domain.deals.flags import FLAGS, FlagReader, Wrong, flags_for
from tests.servers import MONDAY

GONE = Wrong("deleted_in_crm", "", "Lead 00Q5g000004XXXXEA4: deleted in the CRM", MONDAY)
TWIN = Wrong("same_prospect", "prospect_name", "Cedar IT registered it too", MONDAY)
REFUSED = Wrong("STORAGE_LIMIT_EXCEEDED", "", "the org is full", MONDAY)


def test_a_partner_reads_the_tables_words_a_vendor_more_and_an_operator_everything() -> None:
    wrong = [GONE, TWIN, REFUSED]
    shown = {reader: [flag.code for flag in flags_for(reader, wrong, label="Distributor")] for reader in FlagReader}
    assert shown[FlagReader.PARTNER] == ["deleted_in_crm"]
    assert shown[FlagReader.VENDOR] == ["deleted_in_crm", "same_prospect"]
    assert shown[FlagReader.OPERATOR] == ["STORAGE_LIMIT_EXCEEDED", "deleted_in_crm", "same_prospect"]


def test_the_words_name_the_field_and_the_label_and_never_what_was_written_for_operators() -> None:
    wrong = [
        GONE,
        Wrong("both_changed", "licence_count", "0065g00000AAAAAAA5", MONDAY),
        Wrong("parent_gone", "second_partner", "x", MONDAY),
    ]
    words = " ".join(flag.words for flag in flags_for(FlagReader.PARTNER, wrong, label="Aggregator"))
    assert "licence count" in words
    assert "Aggregator" in words
    assert not re.search("00Q|0065|{", words)


def test_one_flag_a_code_and_field_since_the_first_of_them() -> None:
    again = GONE._replace(since=MONDAY + timedelta(days=1), message="again")
    assert [flag.since for flag in flags_for(FlagReader.VENDOR, [again, GONE], label="x")] == [MONDAY]


def test_every_flag_is_a_code_that_is_explained() -> None:
    assert FLAGS.keys() <= CODES.keys()
