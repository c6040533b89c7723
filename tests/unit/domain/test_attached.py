"""Notes and files on a deal: for which side a person writes, how many a deal takes, who changes one, and what an erasure leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_worker.domain.core.user import User
from sync_worker.domain.operate.erasure import ERASED, contact_words, file_name_without, without_words
from sync_worker.domain.people.attached import (
    MOST_FILES,
    MOST_NOTES,
    Attachment,
    AuthorSide,
    edit_refusal,
    removal_refusal,
    room_refusal,
    side_of,
)
from sync_worker.domain.people.visibility import Viewer
from sync_worker.domain.tell.event import KINDS, By, Changed, attached_event
from tests.unit.domain.stage import ACME, ARROW, BETA, VENDOR, as_actor, refused, submitted, user

ANN, BEN, ZOE = user("ann", ACME), user("ben", ARROW), user("zoe", BETA)
VERA = replace(user("vera", ACME), is_vendor_admin=True)


@pytest.mark.parametrize(
    ("viewer", "side"),
    [
        (Viewer(ANN), AuthorSide.OWNER_COMPANY),
        (Viewer(BEN), AuthorSide.SECOND_PARTNER),
        (Viewer(BEN, parents={"acme": "arrow"}), AuthorSide.SECOND_PARTNER),
        (Viewer(replace(ANN, further_companies=frozenset({"arrow"}))), AuthorSide.OWNER_COMPANY),
        (Viewer(VERA), AuthorSide.VENDOR),
        (Viewer(user("vic", VENDOR), is_of_vendor=True), AuthorSide.VENDOR),
        (Viewer(ZOE, as_account_owner=frozenset({"acme"})), AuthorSide.ACCOUNT_OWNER),
        (Viewer(BEN, as_account_owner=frozenset({"acme"}), is_two_tier=False), AuthorSide.ACCOUNT_OWNER),
    ],
)
def test_a_person_writes_for_the_side_from_which_the_person_sees_the_deal(viewer: Viewer, side: AuthorSide) -> None:
    assert side_of(viewer, submitted()) is side


def test_the_parent_of_a_subgroup_writes_for_the_second_partner_also_where_the_deal_names_another() -> None:
    parent = Viewer(user("ina", BETA), parents={"acme": "beta"})
    assert side_of(parent, submitted(second_partner="ingram")) is AuthorSide.SECOND_PARTNER


@pytest.mark.parametrize(
    ("what", "most", "code"), [(Attachment.NOTE, MOST_NOTES, "notes_many"), (Attachment.FILE, MOST_FILES, "files_many")]
)
def test_a_deal_takes_so_many_and_says_how_many_it_has(what: Attachment, most: int, code: str) -> None:
    assert room_refusal(what, submitted(), most - 1) is None
    full = room_refusal(what, submitted(), most)
    assert full is not None
    assert (full.code, full.why) == (code, f"deal d1 has {most} {what}s, and a deal takes at most {most}")


@pytest.mark.parametrize(("who", "edits", "removes"), [(ANN, True, True), (BEN, False, False), (VERA, False, True)])
def test_an_author_changes_a_note_and_the_vendors_admin_may_remove_it(who: User, *, edits: bool, removes: bool) -> None:
    actor = as_actor(who)
    assert (edit_refusal("ann", actor) is None, removal_refusal(Attachment.NOTE, "ann", actor) is None) == (edits, removes)
    if not removes:
        assert refused(edit_refusal("ann", actor)) == refused(removal_refusal(Attachment.NOTE, "ann", actor)) == "note_not_yours"
        assert refused(removal_refusal(Attachment.FILE, "ann", actor)) == "file_not_yours"


@pytest.mark.parametrize(("move", "before", "after"), [("added", None, "n1"), ("changed", "n1", "n1"), ("removed", "n1", None)])
def test_the_feed_tells_of_ids_and_of_the_version_that_the_deal_keeps(move: str, before: str | None, after: str | None) -> None:
    event = attached_event(f"deal.note_{move}", "d1", 7, {"note_id": "n1"}, By("portal", "Ann (ann)"))
    assert event.kind in KINDS
    assert (event.record, event.record_id, event.version, event.changed) == ("deal", "d1", 7, {"note_id": Changed(before, after)})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"contact_first_name": "Jo", "contact_last_name": "Berg", "contact_email": "jo@x.example"}, ("jo@x.example", "Jo Berg")),
        ({"contact_last_name": "Berg"}, ()),
        ({"contact_email": "unknown"}, ()),
        ({}, ()),
    ],
)
def test_a_contact_is_looked_for_by_address_and_whole_name(values: dict[str, str], words: tuple[str, ...]) -> None:
    assert contact_words(values) == words


def test_a_word_is_left_out_where_it_is_not_a_part_of_another() -> None:
    said = "JO BERG (jo@x.example) is not Jo Bergmann, nor mojo@x.example"
    assert without_words(said, ["jo@x.example", "Jo Berg"]) == f"{ERASED} ({ERASED}) is not Jo Bergmann, nor mojo@x.example"
    assert file_name_without("Jo Berg.pdf", ["Jo Berg"]) == f"{ERASED}.pdf"
    assert file_name_without("Jo Berg", ["Jo Berg"]) == ERASED
