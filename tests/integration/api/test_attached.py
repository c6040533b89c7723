"""Notes and files on a deal over HTTP: seen by those who see the deal, changed by their author, limited, told in the feed, erased."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from sync_worker.domain.core.user import Role, User
from sync_worker.domain.operate.erasure import ERASED
from sync_worker.domain.people import attached
from sync_worker.domain.people.attached import MOST_CHARACTERS, Attachment
from sync_worker.steps.operate.erase import erase, forget_contact
from sync_worker.store.people import people
from sync_worker.store.people.tables import answers
from tests.integration.api.desk import Answer, Desk, desk
from tests.integration.steps.world import Loaded
from tests.patience import HANG_S

FEED: Final = {"feed": {"url": "http://127.0.0.1:9/events", "secret": "${FEED_SECRET}"}}
PDF = b"%PDF-1.7 an offer"
HELLO = {"text": "The prospect asked for a demo in May."}


@pytest.fixture(scope="module")
def told(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A portal with a feed, for tests that make a deal of their own."""
    with desk(tmp_path_factory.mktemp("attached"), sandbox, loaded, FEED) as made:
        yield made


def place(deal: Any) -> str:
    return f"/deals/{deal['id']}"


def note(acme: Desk, deal: Any, text: str = HELLO["text"], user: str = "rita", **more: Any) -> Any:
    return acme.post(f"{place(deal)}/notes", {"text": text}, user=user, status=201, **more)


def sent(acme: Desk, deal: Any, content: bytes = PDF, name: str = "Offer.pdf", *, user: str = "rita", key: str = "") -> Answer:
    return acme.session.post(
        f"{acme.url}/portals/acme{place(deal)}/files",
        files={"file": (name, content)},
        headers={"Authorization": f"Bearer {acme.token}", "Acting-User": user, **({"Idempotency-Key": key} if key else {})},
        timeout=HANG_S,
    )


def file(acme: Desk, deal: Any, content: bytes = PDF, name: str = "Offer.pdf", *, user: str = "rita", key: str = "") -> Any:
    answer = sent(acme, deal, content, name, user=user, key=key)
    assert answer.status_code == 201, answer.text
    return answer.json()


def texts(acme: Desk, deal: Any, user: str = "vera") -> list[str]:
    return [one["text"] for one in acme.get(f"{place(deal)}/notes", user=user)["items"]]


def events_of(acme: Desk, deal: Any) -> list[tuple[str, dict[str, Any]]]:
    """(type, data) of what the feed tells of notes and files of this deal, in order."""
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = acme.get(f"/feed/events?limit=200{cursor and f'&cursor={cursor}'}")
        found, cursor = [*found, *page["items"]], page["next"]
    mine = [one for one in found if one["data"]["record"]["id"] == deal["id"] and one["type"].startswith(("deal.note", "deal.file"))]
    return [(one["type"], one["data"]) for one in sorted(mine, key=lambda one: one["seq"])]


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_sides_and_the_vendor_write_and_read_notes_and_each_changes_its_own(told: Desk) -> None:
    # Given a deal of two companies
    deal = told.registered()
    # When somebody of each side writes
    for user in ("rita", "arlo", "vera"):
        told.clock.forward(seconds=1)
        note(told, deal, f"  {user} was here\n", user=user)
    # Then each of them reads all, the newest first, with author, role and side
    shown = told.get(f"{place(deal)}/notes", user="arlo")["items"]
    assert [(one["text"], one["author"], one["author_id"], one["author_role"], one["author_side"]) for one in shown] == [
        ("vera was here", "Vera (vera)", "vera", "manager", "vendor"),
        ("arlo was here", "Arlo (arlo)", "arlo", "manager", "second_partner"),
        ("rita was here", "Rita (rita)", "rita", "sales", "owner_company"),
    ]
    assert texts(told, deal, "rita") == texts(told, deal, "mona") == [one["text"] for one in shown]
    # When the author changes one, to the same text first
    mine = f"{place(deal)}/notes/{shown[1]['id']}"
    assert told.send("PUT", mine, {"text": "arlo was here"}, user="arlo").json()["edited_at"] is None
    edited = told.send("PUT", mine, {"text": "arlo was there"}, user="arlo").json()
    # Then it says so, and nothing else of it has changed
    assert edited["edited_at"] is not None
    assert {**edited, "edited_at": None} == {**shown[1], "text": "arlo was there"} == {**told.get(mine, user="rita"), "edited_at": None}
    # and the deal is as it was
    assert told.get(place(deal), user="rita")["version"] == deal["version"]
    # When others try, then only the vendor's admin may take it away, and not even that one changes it
    for user in ("rita", "vera"):
        refused = told.send("PUT", mine, HELLO, user=user)
        assert (refused.status_code, refused.json()["code"], refused.json()["who_may"]) == (
            403,
            "note_not_yours",
            "the person who wrote the note",
        )
    refused = told.send("DELETE", mine, user="rita")
    assert (refused.status_code, refused.json()["code"]) == (403, "note_not_yours")
    assert told.send("DELETE", mine, user="vera").status_code == 204
    own = f"{place(deal)}/notes/{shown[2]['id']}"
    assert told.send("DELETE", own, user="rita").status_code == 204
    gone = told.send("DELETE", own, user="rita")
    assert (gone.status_code, gone.json()["code"]) == (404, "note_unknown")
    assert texts(told, deal) == ["vera was here"]


def test_a_note_that_is_sent_again_with_its_key_is_one_note(told: Desk) -> None:
    deal = told.registered()
    first = note(told, deal, key="n1")
    assert note(told, deal, key="n1") == first
    other = told.send("POST", f"{place(deal)}/notes", {"text": "else"}, user="rita", key="n1")
    assert (other.status_code, other.json()["code"]) == (422, "key_of_other_request")
    assert texts(told, deal) == [HELLO["text"]]
    again = told.send("POST", f"{place(deal)}/notes", HELLO, user="rita")
    assert again.headers["Location"] == f"/portals/acme{place(deal)}/notes/{again.json()['id']}"
    assert told.get(again.headers["Location"].removeprefix("/portals/acme"), user="arlo") == again.json()


@pytest.mark.parametrize("text", ["", " \n ", "\u200b\ufeff", "x" * (MOST_CHARACTERS + 1), "a\x00b", "turned \u202e round", None, 7])
def test_a_text_that_cannot_stand_is_refused_by_its_field(told: Desk, text: Any) -> None:
    deal = told.registered()
    whole = note(told, deal, "x" * MOST_CHARACTERS)
    for method, path in (("POST", f"{place(deal)}/notes"), ("PUT", f"{place(deal)}/notes/{whole['id']}")):
        refused = told.send(method, path, {"text": text}, user="rita")
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "value_malformed", "text")
    assert len(texts(told, deal)) == 1


def test_who_loses_sight_of_the_deal_loses_its_notes_and_files(told: Desk) -> None:
    # Given a deal whose second partner wrote a note and added a file
    deal = told.registered()
    mine, kept = note(told, deal, user="arlo"), file(told, deal, user="arlo")
    # When the deal gets another second partner
    told.send("PATCH", place(deal), {"second_partner": "Bolt Distribution"}, user="rita", version=deal["version"])
    # Then the first one does not even learn that there is a deal, whatever it asks for
    asked = [("GET", "/notes"), ("POST", "/notes"), ("GET", "/files")]
    asked += [(method, f"/notes/{mine['id']}") for method in ("GET", "PUT", "DELETE")]
    asked += [(method, f"/files/{kept['id']}") for method in ("GET", "DELETE")]
    for method, path in asked:
        answer = told.send(method, place(deal) + path, HELLO if method in ("POST", "PUT") else None, user="arlo")
        assert (answer.status_code, answer.json()["code"]) == (404, "deal_unknown"), (method, path)
    assert sent(told, deal, user="arlo").json()["code"] == "deal_unknown"
    # and whoever still sees it does
    assert (texts(told, deal, "rita"), told.get(f"{place(deal)}/files", user="vera")["items"]) == ([HELLO["text"]], [kept])


def test_notes_and_files_of_another_deal_are_not_found_under_this_one(told: Desk) -> None:
    deal, other = told.registered(), told.registered(name="Another")
    mine, kept = note(told, deal), file(told, deal)
    for path, code in ((f"/notes/{mine['id']}", "note_unknown"), (f"/files/{kept['id']}", "file_unknown")):
        for method in ("GET", "DELETE"):
            answer = told.send(method, place(other) + path, user="rita")
            assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert (len(texts(told, deal)), texts(told, other)) == (1, [])


def test_a_draft_and_a_deal_that_is_over_take_notes(told: Desk) -> None:
    draft = told.registered(draft=True)
    note(told, draft)
    hidden = told.send("GET", f"{place(draft)}/notes", user="arlo")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "deal_unknown")
    deal = told.registered()
    told.post(f"{place(deal)}/withdraw", {"reason": "done"}, user="rita", version=deal["version"])
    note(told, deal, "we will try again", user="arlo")
    assert texts(told, deal, "rita") == ["we will try again"]


def test_a_deal_takes_so_many_notes_and_files(told: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "_MOST", {Attachment.NOTE: 1, Attachment.FILE: 1})
    deal = told.registered()
    note(told, deal)
    kept = file(told, deal)
    refused = told.send("POST", f"{place(deal)}/notes", HELLO, user="arlo")
    assert (refused.status_code, refused.json()["code"]) == (409, "notes_many")
    assert "has 1 notes, and a deal takes at most 1" in refused.json()["detail"]
    before = stored(told)
    full = sent(told, deal, user="arlo")
    assert (full.status_code, full.json()["code"], stored(told)) == (409, "files_many", before)
    assert told.send("DELETE", f"{place(deal)}/files/{kept['id']}", user="rita").status_code == 204
    assert sent(told, deal, user="arlo").status_code == 201


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def stored(acme: Desk) -> list[Path]:
    folder = Path(acme.installation.settings.files_url.removeprefix("file://"))
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_file_comes_back_as_it_was_sent_to_be_saved_and_never_run(told: Desk) -> None:
    # Given a file whose name tries to lead elsewhere
    deal = told.registered()
    kept = file(told, deal, name="../../Angebot für \u202eMüller.PDF", key="f1")
    assert file(told, deal, name="../../Angebot für \u202eMüller.PDF", key="f1") == kept
    # Then it is told as it is kept
    digest = hashlib.sha256(PDF).hexdigest()
    assert (kept["name"], kept["media_type"], kept["size_bytes"], kept["sha256"]) == (
        "Angebot für Müller.PDF",
        "application/pdf",
        len(PDF),
        digest,
    )
    assert (kept["author"], kept["author_side"]) == ("Rita (rita)", "owner_company")
    assert told.get(f"{place(deal)}/files", user="arlo")["items"] == [kept]
    # and the other side downloads it
    answer = told.send("GET", f"{place(deal)}/files/{kept['id']}", user="arlo")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, PDF, "application/pdf")
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"Angebot f_r M_ller.PDF\"; filename*=UTF-8''Angebot%20f%C3%BCr%20M%C3%BCller.PDF"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # and only the person who added it, or the vendor, removes it
    refused = told.send("DELETE", f"{place(deal)}/files/{kept['id']}", user="arlo")
    assert (refused.status_code, refused.json()["code"]) == (403, "file_not_yours")
    assert told.send("DELETE", f"{place(deal)}/files/{kept['id']}", user="vera").status_code == 204
    gone = told.send("GET", f"{place(deal)}/files/{kept['id']}", user="rita")
    assert (gone.status_code, gone.json()["code"]) == (404, "file_unknown")


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("offer.pdf", b"", 422, "file_empty"),
        ("offer.html", b"<script>alert(1)</script>", 415, "file_type_unknown"),
        ("offer.pdf", b"MZ\x90\x00", 415, "file_type_unknown"),
        ("offer.html", PDF, 415, "file_type_not_as_named"),
        ("offer.pdf", PDF + b"x" * 20 * 1024 * 1024, 413, "file_too_large"),
    ],
)
def test_a_file_that_is_not_taken_leaves_nothing(told: Desk, name: str, content: bytes, status: int, code: str) -> None:
    deal, before = told.registered(), stored(told)
    refused = sent(told, deal, content, name)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (told.get(f"{place(deal)}/files", user="rita")["items"], stored(told)) == ([], before)


def form(acme: Desk, deal: Any, **more: Any) -> Answer:
    headers = {"Authorization": f"Bearer {acme.token}", "Acting-User": "rita"}
    return acme.session.post(f"{acme.url}/portals/acme{place(deal)}/files", headers=headers, timeout=HANG_S, **more)


def test_a_form_with_more_than_the_file_is_refused_and_leaves_nothing(told: Desk) -> None:
    deal, before = told.registered(), stored(told)
    one, other = ("Offer.pdf", PDF), ("Terms.pdf", PDF + b"2")
    twice = form(told, deal, files=[("file", one), ("file", other)])
    assert (twice.status_code, twice.json()["code"], twice.json()["field"]) == (422, "field_repeated", "file")
    beside = form(told, deal, files=[("file", one), ("terms", other)])
    assert (beside.status_code, beside.json()["code"], beside.json()["field"]) == (422, "field_unknown", "terms")
    words = form(told, deal, files=[("file", one)], data={"note": "signed"})
    assert (words.status_code, words.json()["code"], words.json()["field"]) == (422, "field_unknown", "note")
    unread = form(told, deal, data=b"nothing", params={})
    assert (unread.status_code, unread.json()["field"]) == (422, "file")
    assert (told.get(f"{place(deal)}/files", user="rita")["items"], stored(told)) == ([], before)


# ── the feed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_feed_tells_of_notes_and_files_by_their_ids_alone(told: Desk) -> None:
    deal = told.registered()
    mine, kept = note(told, deal), file(told, deal)
    told.send("PUT", f"{place(deal)}/notes/{mine['id']}", {"text": "in June"}, user="rita")
    told.send("DELETE", f"{place(deal)}/notes/{mine['id']}", user="vera")
    told.send("DELETE", f"{place(deal)}/files/{kept['id']}", user="rita")
    kinds = [kind for kind, _ in events_of(told, deal)]
    assert kinds == ["deal.note_added", "deal.file_added", "deal.note_changed", "deal.note_removed", "deal.file_removed"]
    data = [one for _, one in events_of(told, deal)]
    assert data[0]["record"] == {"type": "deal", "id": deal["id"], "version": deal["version"]}
    assert data[0]["changed"] == {"note_id": {"before": None, "after": mine["id"]}, "user_id": {"before": None, "after": "rita"}}
    assert data[3]["changed"] == {"note_id": {"before": mine["id"], "after": None}, "user_id": {"before": "rita", "after": None}}
    assert (data[3]["actor"], data[4]["actor"]) == ("Vera (vera)", "Rita (rita)")
    assert not [words for words in ("demo", "June", "Offer") if words in str(data)]


# ── erasure ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_person_wrote_goes_with_the_person_and_the_name_out_of_what_others_wrote(told: Desk) -> None:
    # Given a person who wrote a note and added a file, with keys, and a colleague's note that names the person
    told.users(User("nina.berg@example.com", "nina.berg@example.com", "Nina Berg", Role.MANAGER, told.id_of("Birch Systems")))
    deal = told.registered()
    note(told, deal, "a secret of mine", user="nina.berg@example.com", key="k7")
    file(told, deal, name="Nina.pdf", user="nina.berg@example.com", key="k8")
    note(told, deal, "please ask nina.berg@example.com tomorrow")
    told.clock.forward(seconds=1)
    file(told, deal, name="Nina Berg.pdf")
    note(told, deal, "Nina Berg knows the buyer (nina.berg@example.com)")
    # When the person is erased
    assert isinstance(erase(told.installation.tenant("acme"), "nina.berg@example.com"), User)
    # Then note and file are gone, and the name out of everything else, kept answers and events included
    assert texts(told, deal) == [f"{ERASED} knows the buyer {ERASED}", f"please ask {ERASED} tomorrow"]
    assert [one["name"] for one in told.get(f"{place(deal)}/files", user="vera")["items"]] == [f"{ERASED}.pdf"]
    with told.installation.store.reading("acme") as tx:
        assert people.get(tx, "nina.berg@example.com") is None
        kept = str(tx.connection.execute(answers.select()).all())
    assert [word for word in ("secret of mine", "Nina", "nina") if word in kept + str(events_of(told, deal))] == []


def test_a_contact_who_is_erased_stands_in_no_note_of_the_deal(told: Desk) -> None:
    deal = told.registered(contact_first_name="Jo", contact_last_name="Berg", contact_email="jo.berg@globex.com")
    note(told, deal, "Jo Berg wants it (JO.BERG@globex.com); Berg is on leave", key="of-jo")
    file(told, deal, name="Jo Berg.pdf")
    other = told.registered(name="Another")
    note(told, other, "Jo Berg of Acme")
    forget_contact(told.installation.tenant("acme"), deal["id"], actor="Ann", reason="asked for")
    assert texts(told, deal) == [f"{ERASED} wants it ({ERASED}); Berg is on leave"]
    assert [one["name"] for one in told.get(f"{place(deal)}/files", user="vera")["items"]] == [f"{ERASED}.pdf"]
    assert texts(told, other) == ["Jo Berg of Acme"]
    with told.installation.store.reading("acme") as tx:
        kept = [row.body for row in tx.connection.execute(answers.select()) if row.key == "of-jo"]
    assert "Berg" not in str(kept)
