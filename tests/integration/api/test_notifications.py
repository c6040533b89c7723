"""A user's notifications over HTTP, as a portal's bell shows them: without a mail server, for that user alone, while the deal is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from sync_worker.domain.core.user import Role, User
from sync_worker.steps.operate.erase import erase
from sync_worker.store.people import people
from sync_worker.store.tell.tables import notifications
from tests.integration.api.desk import Desk, desk
from tests.integration.steps.world import Loaded

FEED: Final = {"feed": {"url": "http://127.0.0.1:9/events", "secret": "${FEED_SECRET}"}}


@pytest.fixture
def told(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """A portal with a feed and without a mail server."""
    with desk(tmp_path, sandbox, loaded, FEED) as made:
        yield made


def shown(acme: Desk, user: str, query: str = "") -> list[tuple[str, str]]:
    """(topic, text), in the order of the list."""
    return [(one["topic"], one["text"]) for one in page(acme, user, query)["items"]]


def page(acme: Desk, user: str, query: str = "") -> Any:
    return acme.get(f"/users/{user}/notifications{query}", user=user)


def unread(acme: Desk, user: str) -> int:
    counted = acme.get(f"/users/{user}/notifications/unread", user=user)["unread"]
    assert page(acme, user)["unread"] == counted
    return int(counted)


def test_a_bell_says_what_happened_why_and_to_which_deal_and_forgets_what_was_read(told: Desk) -> None:
    # When a deal is registered, and its amount changes later
    deal = told.registered(amount="10.00", currency="EUR")
    told.clock.forward(seconds=60)
    told.send("PATCH", f"/deals/{deal['id']}", {"amount": "20.00"}, user="rita", version=deal["version"])
    # Then each side has it in its list, the newest first, and the vendor's admin was asked at once
    changed = ("deal_updated", "Rita changed Acme expansion of Birch Systems. Amount: 10.00 EUR → 20.00 EUR")
    registered = ("deal_registered", "Rita registered Acme expansion of Birch Systems")
    assert shown(told, "mona") == shown(told, "arlo") == [changed, registered]
    assert shown(told, "vera") == [("approval_waits", "Acme expansion of Birch Systems waits for your approval")]
    assert shown(told, "rita") == shown(told, "edna") == shown(told, "olga") == []
    latest, first = page(told, "arlo")["items"]
    assert first["why"] == "as a manager of Arrow Electronics, you are the Distributor on this deal; your approval is needed"
    assert (latest["deal_id"], latest["deal"], latest["read_at"]) == (deal["id"], "Acme expansion", None)
    assert latest["changes"] == [{"field": "Amount", "before": "10.00 EUR", "after": "20.00 EUR"}]
    assert shown(told, "arlo", f"?since={latest['created_at']}") == [changed]
    # When one of them is read, twice
    path = f"/users/arlo/notifications/{first['id']}/read"
    read = told.post(path, user="arlo")
    told.clock.forward(seconds=60)
    assert told.post(path, user="arlo") == read
    # Then it is not unread any more, and that of another user is as it was
    assert (read["read_at"] is not None, unread(told, "arlo"), unread(told, "mona")) == (True, 1, 2)
    assert shown(told, "arlo", "?unread=true") == [changed]
    # When all are read that were written until the first one, and then all
    assert told.post(f"/users/mona/notifications/read?until={first['created_at']}", user="mona") == {"unread": 1}
    assert told.post("/users/mona/notifications/read", user="mona") == {"unread": 0}
    assert (shown(told, "mona", "?unread=true"), len(shown(told, "mona"))) == ([], 2)
    # And the feed told of each entry
    events = [event for event in told.get("/feed/events?limit=200")["items"] if event["type"] == "notification.created"]
    said = {name: change["after"] for name, change in events[-1]["data"]["changed"].items()}
    assert events[-1]["data"]["record"]["type"] == "notification"
    assert (said["text"], said["deal_id"]) == (changed[1], deal["id"])
    assert said["user_id"] in ("arlo", "both", "mona")


def test_what_is_about_a_deal_that_is_hidden_by_now_is_not_shown_counted_or_marked(told: Desk) -> None:
    deal = told.registered()
    (entry,) = page(told, "arlo")["items"]
    # When the deal gets another second partner
    answer = told.send("PATCH", f"/deals/{deal['id']}", {"second_partner": None}, user="rita", version=deal["version"])
    assert answer.status_code == 200, answer.text
    # Then the former one's people do not see it in their list
    assert (shown(told, "arlo"), unread(told, "arlo")) == ([], 0)
    refused = told.send("POST", f"/users/arlo/notifications/{entry['id']}/read", user="arlo")
    assert (refused.status_code, refused.json()["code"]) == (404, "notification_unknown")
    assert told.post("/users/arlo/notifications/read", user="arlo") == {"unread": 0}
    # And it comes back unread when they see the deal again
    told.users(User("arlo", "arlo@example.com", "Arlo", Role.MANAGER, told.id_of("Arrow Electronics"), is_vendor_admin=True))
    assert page(told, "arlo")["items"] == [entry]


def test_a_user_marks_no_entry_of_another_user_and_no_other_portal_has_them(told: Desk) -> None:
    told.registered()
    (entry,) = page(told, "arlo")["items"]
    answer = told.send("POST", f"/users/mona/notifications/{entry['id']}/read", user="mona")
    assert (answer.status_code, answer.json()["code"]) == (404, "notification_unknown")
    assert told.send("GET", "/users/arlo/notifications", user="vera").json()["code"] == "notifications_not_yours"
    assert told.send("GET", "/users/arlo/notifications?visible_to=mona", user="arlo").json()["code"] == "notifications_not_yours"
    assert told.send("GET", "/users/arlo/notifications").json()["code"] == "actor_missing"


def test_pages_of_a_bell_skip_what_is_hidden(told: Desk) -> None:
    # Given entries of which every second one is hidden from the user by now
    for number in range(4):
        deal = told.registered(name=f"Deal {number}", prospect_name=f"Prospect {number}")
        told.clock.forward(seconds=1)
        if number % 2:
            told.send("PATCH", f"/deals/{deal['id']}", {"second_partner": None}, user="rita", version=deal["version"])
    # Then pages lead through the others
    one = page(told, "arlo", "?limit=1")
    other = page(told, "arlo", f"?limit=1&cursor={one['next']}")
    assert [entry["deal"] for entry in (*one["items"], *other["items"])] == ["Deal 2", "Deal 0"]
    assert (other["next"], one["unread"]) == (None, 2)


def test_what_a_person_was_told_goes_with_the_person_and_so_does_the_name_in_what_others_were_told(told: Desk) -> None:
    told.registered()
    erase(told.installation.tenant("acme"), "rita")
    erase(told.installation.tenant("acme"), "arlo")
    assert shown(told, "mona")[-1] == ("deal_registered", "an erased person registered Acme expansion of Birch Systems")
    with told.installation.store.reading("acme") as tx:
        count = tx.connection.execute(select(func.count()).where(notifications.c.user_id == "arlo")).scalar()
        assert (count, people.get(tx, "arlo")) == (0, None)
    events = told.get("/feed/events?limit=200")["items"]
    assert "arlo" not in str([event["data"]["changed"] for event in events if event["type"] == "notification.created"])
