"""Webhooks: what they say, to whom, how often, and what becomes of those that nobody takes."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.push import sender, signing
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import ControlError
from tests.integration.sandbox.hubspot.conftest import DATED, NOW, Wire
from tests.integration.sandbox.receiver import Receiver, listening
from tests.patience import until

NOW_MS = int(NOW.timestamp() * 1000)
NAMED = {"eventType": "company.propertyChange", "propertyName": "name"}
CREATED = {"eventType": "company.creation"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def _told(receiver: Receiver, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event.get(name) for name in names) for event in receiver.events()]


def test_a_notification_looks_like_the_vendors(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [NAMED, CREATED])
    company = int(remote.create("companies", {"name": "Zoë & Söhne"}))

    done = remote.deliver_webhooks()

    assert done == {"requests": 1, "taken": 2, "put_off": 0, "dropped": 0, "queued": 0}
    created, named = receiver.events()
    subscription = remote.webhooks()["subscriptions"][0]
    assert {name: value for name, value in named.items() if name != "eventId"} == {
        "subscriptionId": int(subscription["id"]),
        "portalId": 47110815,
        "appId": remote.login()["app_id"],
        "occurredAt": NOW_MS,
        "subscriptionType": "company.propertyChange",
        "attemptNumber": 0,
        "objectId": company,
        "propertyName": "name",
        "propertyValue": "Zoë & Söhne",
        "changeSource": "CRM_UI",
        "sourceId": "userId:76023669",
    }
    assert (created["subscriptionType"], created["changeFlag"]) == ("company.creation", "CREATED")
    assert "propertyName" not in created


def test_both_signatures_are_of_the_bytes_sent(remote: HubspotRemote, receiver: Receiver) -> None:
    secret = remote.login()["client_secret"]
    remote.set_webhooks(receiver.url, [CREATED])
    remote.create("companies", {"name": "Signed"})
    remote.deliver_webhooks()
    public = "https://sync.example.com/hooks?src=hs%3Aapp"
    remote.set_webhooks(receiver.url, [CREATED], public_url=public)
    remote.create("companies", {"name": "Signed"})
    remote.deliver_webhooks()

    for told, url in zip(receiver.told, (receiver.url, public), strict=True):
        assert told.headers["X-HubSpot-Request-Timestamp"] == str(NOW_MS)
        assert told.headers["X-HubSpot-Signature-v3"] == signing.v3(secret, url, told.body, timestamp_ms=NOW_MS)
        assert told.headers["X-HubSpot-Signature"] == signing.v1(secret, told.body)
        assert told.headers["X-HubSpot-Signature-Version"] == "v1"
        assert told.headers["Content-Type"] == "application/json"


def test_what_the_app_wrote_itself_says_so(wire: Wire, remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [NAMED])
    company = remote.records("companies")[0]["id"]
    wire.ask("PATCH", f"/crm/objects/{DATED}/companies/{company}", json={"properties": {"name": "Ours"}})
    remote.edit("companies", company, {"name": "Theirs"})
    remote.deliver_webhooks(batch_size=1)

    app = str(remote.login()["app_id"])
    assert sorted(_told(receiver, "propertyValue", "changeSource", "sourceId")) == [
        ("Ours", "INTEGRATION", app),
        ("Theirs", "CRM_UI", "userId:76023669"),
    ]


def test_only_what_is_subscribed_to_and_has_changed(remote: HubspotRemote, receiver: Receiver) -> None:
    company, deal = (remote.records(name)[0] for name in ("companies", "deals"))
    remote.set_webhooks(
        receiver.url,
        [
            NAMED,
            {"eventType": "object.propertyChange", "objectTypeId": "0-3", "propertyName": "amount"},
            {"eventType": "deal.deletion"},
            {"eventType": "company.creation", "active": False},
        ],
    )
    remote.edit("companies", company["id"], {"name": company["name"], "city": "Porto"})
    remote.create("companies", {"city": "Porto"})
    remote.edit("deals", deal["id"], {"amount": "77"})
    remote.edit("deals", deal["id"], {"amount": ""})
    remote.delete("deals", deal["id"])
    remote.deliver_webhooks()

    deal_id = int(deal["id"])
    assert _told(receiver, "subscriptionType", "objectTypeId", "objectId", "propertyValue", "changeFlag") == [
        ("object.propertyChange", "0-3", deal_id, "77", None),
        ("object.propertyChange", "0-3", deal_id, "", None),
        ("deal.deletion", None, deal_id, None, "DELETED"),
    ]


def test_an_association_is_news_on_both_sides(wire: Wire, remote: HubspotRemote, receiver: Receiver) -> None:
    deal, company = (int(remote.records(name)[0]["id"]) for name in ("deals", "companies"))
    wire.ask("DELETE", f"/crm/objects/{DATED}/deals/{deal}/associations/companies/{company}")
    remote.set_webhooks(receiver.url, [{"eventType": "deal.associationChange"}, {"eventType": "company.associationChange"}])

    wire.ask("PUT", f"/crm/objects/{DATED}/deals/{deal}/associations/default/companies/{company}")
    wire.ask("DELETE", f"/crm/objects/{DATED}/deals/{deal}/associations/companies/{company}")
    remote.deliver_webhooks()

    there, back = ("DEAL_TO_COMPANY", 341, deal, company), ("COMPANY_TO_DEAL", 342, company, deal)
    names = ("associationType", "associationTypeId", "fromObjectId", "toObjectId", "associationRemoved", "isPrimaryAssociation")
    assert _told(receiver, *names) == [(*side, removed, False) for removed in (False, True) for side in (there, back)]
    assert all("objectId" not in event and event["changeSource"] == "INTEGRATION" for event in receiver.events())


def test_a_merge_a_deletion_and_a_restore(wire: Wire, remote: HubspotRemote, receiver: Receiver) -> None:
    primary, other, third = (int(record["id"]) for record in remote.records("companies")[:3])
    kinds = ("merge", "restore", "deletion", "creation")
    remote.set_webhooks(receiver.url, [{"eventType": f"company.{kind}"} for kind in kinds])

    new = wire.post("/crm/v3/objects/companies/merge", {"primaryObjectId": str(primary), "objectIdToMerge": str(other)}).json()["id"]
    remote.delete("companies", str(third))
    remote.undelete([str(third)])
    remote.deliver_webhooks()

    merged, deleted, restored = receiver.events()
    names = ("primaryObjectId", "mergedObjectIds", "newObjectId")
    assert [merged[name] for name in names] == [primary, [other], int(new)]
    assert (merged["subscriptionType"], merged["objectId"]) == ("company.merge", int(new))
    assert [(one["subscriptionType"], one["objectId"]) for one in (deleted, restored)] == [
        ("company.deletion", third),
        ("company.restore", third),
    ]


def test_what_is_not_taken_comes_again_ten_times_within_a_day_and_then_no_more(remote: HubspotRemote, receiver: Receiver) -> None:
    receiver.answers = [(status, "") for status in (500, 404, 302, *[503] * 20)]
    remote.set_webhooks(receiver.url, [CREATED])
    remote.create("companies", {"name": "Unwanted"})
    done = remote.deliver_webhooks()
    assert (done["put_off"], done["queued"]) == (1, 1)
    assert remote.deliver_webhooks()["requests"] == 0

    for _ in range(24 * 12):
        remote.advance_clock(300)
        done = remote.deliver_webhooks()
        if done["dropped"]:
            break

    assert done["dropped"] == 1
    assert _told(receiver, "attemptNumber") == [(attempt,) for attempt in range(11)]
    assert len({event["eventId"] for event in receiver.events()}) == 1
    log = remote.deliveries()
    assert [one["status"] for one in log] == [500, 404, 302, *[503] * 8]
    assert log[0]["at"] == "2026-05-20T12:00:00.000Z"


def test_an_address_where_nobody_is(remote: HubspotRemote) -> None:
    remote.set_webhooks("http://127.0.0.1:9/hooks", [CREATED])
    remote.create("companies", {"name": "Unheard"})
    assert remote.deliver_webhooks()["put_off"] == 1
    assert [one["status"] for one in remote.deliveries()] == [None]


def test_a_receiver_that_says_nothing_is_given_five_seconds(remote: HubspotRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sender.TIMEOUT_S == 5
    monkeypatch.setattr(sender, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote.set_webhooks(f"http://127.0.0.1:{silent.getsockname()[1]}/hooks", [CREATED])
        remote.create("companies", {"name": "Unanswered"})
        assert remote.deliver_webhooks()["put_off"] == 1
    assert [one["status"] for one in remote.deliveries()] == [None]


def test_so_many_at_once_and_no_more(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [CREATED], max_concurrent=3)
    for number in range(12):
        remote.create("companies", {"name": f"Company {number}"})
    receiver.pause_s = 0.05

    remote.deliver_webhooks(batch_size=1)

    assert len(receiver.told) == 12
    assert 1 < receiver.most_at_once <= 3


def test_fewer_than_a_hundred_at_once_twice_and_out_of_order(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [CREATED], max_concurrent=1)
    made = [int(remote.create("companies", {"name": f"Company {number}"})) for number in range(120)]

    remote.deliver_webhooks(repeat=2, shuffle=True)

    assert [len(one.events) for one in receiver.told] == [99, 99, 21, 21]
    assert receiver.told[0].body == receiver.told[1].body
    told = [event["objectId"] for event in receiver.events()]
    assert sorted(told) == sorted(made * 2)
    assert told[:99] != made[:99]


def test_event_ids_need_not_differ(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [CREATED])
    made = [int(remote.create("companies", {"name": name})) for name in ("One", "Two")]
    remote.deliver_webhooks(event_id=7)
    assert _told(receiver, "eventId", "objectId") == [(7, one) for one in made]


def test_a_bulk_edit_is_an_event_for_each_record(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [{"eventType": "company.propertyChange", "propertyName": "city"}])
    edited = remote.edit_many("companies", {"city": "Porto"}, count=30)
    remote.deliver_webhooks()
    assert sorted(_told(receiver, "objectId", "occurredAt")) == [(int(one), NOW_MS) for one in edited]


def test_a_day_is_lost(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [CREATED])
    remote.create("companies", {"name": "Waiting"})
    assert remote.lose_webhooks(86_400) == {"lost": 1, "until": "2026-05-21T12:00:00.000Z"}
    remote.advance_clock(86_399)
    remote.create("companies", {"name": "Lost"})
    remote.advance_clock(1)
    found = int(remote.create("companies", {"name": "Told"}))

    remote.deliver_webhooks()

    assert _told(receiver, "objectId") == [(found,)]


def test_by_themselves(remote: HubspotRemote, receiver: Receiver) -> None:
    remote.set_webhooks(receiver.url, [CREATED], auto=True)
    company = int(remote.create("companies", {"name": "At once"}))
    until(lambda: bool(receiver.told))
    assert _told(receiver, "objectId") == [(company,)]


def test_a_developer_sets_them_up(wire: Wire, remote: HubspotRemote, receiver: Receiver) -> None:
    login = remote.login()
    root, key = f"/webhooks/v3/{login['app_id']}", {"hapikey": login["developer_key"]}

    def ask(method: str, path: str, body: Any = None) -> requests.Response:
        return wire.ask(method, f"{root}{path}", params=key, json=body, headers={"Authorization": ""})

    settings = {"targetUrl": receiver.url, "throttling": {"maxConcurrentRequests": 10}}
    assert ask("GET", "/settings").status_code == 404
    assert ask("PUT", "/settings", settings).json()["throttling"] == {"maxConcurrentRequests": 10}
    made = ask("POST", "/subscriptions", CREATED)
    assert (made.status_code, made.json()["active"]) == (201, False)
    one = f"/subscriptions/{made.json()['id']}"
    assert ask("PATCH", one, {"active": True}).json()["active"] is True
    assert ask("GET", "/subscriptions").json()["results"] == [ask("GET", one).json()]

    company = int(remote.create("companies", {"name": "Set up"}))
    until(lambda: bool(receiver.told))
    assert _told(receiver, "objectId") == [(company,)]

    switched = ask("POST", "/subscriptions/batch/update", {"inputs": [{"id": made.json()["id"], "active": False}]})
    assert [one["active"] for one in switched.json()["results"]] == [False]
    assert (ask("DELETE", one).status_code, ask("GET", one).status_code) == (204, 404)
    assert (ask("DELETE", "/settings").status_code, ask("GET", "/settings").status_code) == (204, 404)
    assert wire.ask("GET", f"{root}/subscriptions").status_code == 401


@pytest.mark.parametrize(
    "subscription",
    [
        {"eventType": "company.nothing"},
        {"eventType": "ghost.creation"},
        {"eventType": "object.creation"},
        {"eventType": "company.creation", "objectTypeId": "0-2"},
        {"eventType": "company.propertyChange"},
        {"eventType": "company.creation", "propertyName": "name"},
        {"eventType": "company.propertyChange", "propertyName": "hs_lastmodifieddate"},
    ],
)
def test_subscriptions_that_the_vendor_does_not_have(remote: HubspotRemote, receiver: Receiver, subscription: dict[str, str]) -> None:
    with pytest.raises(ControlError):
        remote.set_webhooks(receiver.url, [subscription])


def test_orders_that_mean_nothing(remote: HubspotRemote) -> None:
    with pytest.raises(ControlError):
        remote.set_webhooks("ftp://x", [CREATED])
    for wish in ({"batch_size": 100}, {"repeat": 0}, {"nothing": 1}):
        with pytest.raises(ControlError):
            remote.deliver_webhooks(**wish)
