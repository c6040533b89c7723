"""What both sandboxes push becomes notices, once each; when nothing can be stored, nothing is acknowledged and it comes again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.push import signing
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import Remote
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.web.webhooks.routes import WebhookAddresses
from tests.integration.web.conftest import HOOK, Doorstep, doorstep, event, installed, message, subscribe_hubspot, subscribe_salesforce
from tests.patience import until
from tests.servers import PostgreSQL, free_port

ACCOUNT = str(canonical("0015g00000AAAAA"))


@pytest.fixture
def door(tmp_path: Path, urls: dict[str, str], database_url: str) -> Iterator[Doorstep]:
    """`web` alone, on either database: nobody reads, so that what was stored can be seen."""
    with doorstep(installed(tmp_path, urls, database_url), "web") as found:
        yield found


def test_salesforces_messages_doubled_and_out_of_order(door: Doorstep, salesforce: Remote) -> None:
    # Given an org that tells us, and people who create, change, merge and delete
    subscribe_salesforce(salesforce, door)
    ids = [salesforce.create("Account", {"Name": f"Pushed {number}"}) for number in range(5)]
    lead = salesforce.create("Lead", {"LastName": "Doe", "Company": "Acme"})
    for one in ids:
        salesforce.edit("Account", one, {"Phone": "1"})
    salesforce.merge(ids[0], [ids[1]])
    salesforce.delete("Account", ids[2])
    # when it is told shuffled, in small messages, each twice
    done = salesforce.deliver_messages(batch_size=3, repeat=2, shuffle=True)
    # then everything is acknowledged, and each record that can be named is noticed
    assert (done["put_off"], done["queued"]) == (0, 0)
    noticed = door.noticed("acme")
    assert noticed["lead"] == {lead}
    assert {ids[0], ids[3], ids[4]} <= noticed["company"] <= set(ids)
    assert not door.noticed("globex")
    assert (door.heard_of("acme"), door.heard_of("globex")) == ({"company", "lead"}, set())


def test_hubspots_events_doubled_and_out_of_order(door: Doorstep, hubspot: HubspotRemote) -> None:
    # Given an account that tells us, and people who do everything that can be told
    subscribe_hubspot(hubspot, door)
    ids = [hubspot.create("companies", {"name": f"Pushed {number}"}) for number in range(6)]
    deal = hubspot.create("deals", {"dealname": "Pushed"})
    hubspot.edit("companies", ids[0], {"name": "Renamed"})
    survivor = hubspot.merge(ids[1], [ids[2]])
    hubspot.delete("companies", ids[3])
    hubspot.delete("companies", ids[4])
    hubspot.undelete([ids[4]])
    done = hubspot.deliver_webhooks(batch_size=2, repeat=2, shuffle=True, event_id=7)
    assert (done["put_off"], done["dropped"], done["queued"]) == (0, 0, 0)
    assert {delivery["status"] for delivery in hubspot.deliveries()} == {204}
    assert door.noticed("globex") == {"company": {*ids, survivor}, "deal": {deal}}


def test_an_association_that_changes_marks_the_deal(door: Doorstep, hubspot: HubspotRemote) -> None:
    deal, company = hubspot.create("deals", {"dealname": "Pushed"}), hubspot.create("companies", {"name": "Pushed"})
    subscribe_hubspot(hubspot, door)
    hubspot.associate("deals", deal, company, "Portal second partner")
    assert hubspot.deliver_webhooks()["taken"]
    assert door.noticed("globex") == {"deal": {deal}}
    assert door.heard_of("globex") == {"deal"}


def test_an_event_nobody_knows_is_taken_and_counted(door: Doorstep) -> None:
    since = len(door.process.lines)
    answer = door.tell_hubspot(
        orjson.dumps([event("company.privacyDeletion", 7), event("line_item.creation", 8), event("deal.creation", 9)])
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert door.noticed("globex") == {"deal": {"9"}}
    line = door.awaits("noticed", since)
    assert "events=3" in line
    assert "'another event': 1" in line
    assert "'another record type': 1" in line


def test_v1_where_the_file_says_so(tmp_path: Path, urls: dict[str, str], sqlite_url: str) -> None:
    installation = installed(tmp_path, urls, sqlite_url)
    path = tmp_path / "config" / "portals" / "globex.yaml"
    path.write_text(path.read_text().replace('secret: "${ACME_HS_HOOK}"}', 'secret: "${ACME_HS_HOOK}", signature: v1}'))
    del installation.more_env["SYNC_WORKER_PUBLIC_URL"]  # v1 covers no address
    body = orjson.dumps([event("company.creation", 7)])
    v1 = {"X-HubSpot-Signature": signing.v1(SANDBOX_CLIENT_SECRET, body), "X-HubSpot-Signature-Version": "v1"}
    with doorstep(installation, "web") as door:
        assert door.post("hubspot/globex", body, **v1).status_code == 204
        assert door.post("hubspot/globex", body + b" ", **v1).status_code == 401
        only_v3 = {name: value for name, value in signing.headers(SANDBOX_CLIENT_SECRET, "", body, timestamp_ms=1).items() if "v3" in name}
        assert door.post("hubspot/globex", body, **only_v3).status_code == 401
        assert door.noticed("globex") == {"company": {"7"}}


def test_an_acknowledged_message_survives_a_kill(door: Doorstep) -> None:
    answer = door.tell_salesforce(message(ACCOUNT))
    assert "<Ack>true</Ack>" in answer.text
    assert answer.headers["content-type"].startswith("text/xml")
    door.process.send(signal.SIGKILL)
    assert door.noticed("acme") == {"company": {ACCOUNT}}


def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(
    tmp_path: Path, urls: dict[str, str], postgresql: PostgreSQL, salesforce: Remote, hubspot: HubspotRemote
) -> None:
    # Given a database that is gone
    with postgresql.database() as url, doorstep(installed(tmp_path, urls, url), "web") as door:
        subscribe_salesforce(salesforce, door)
        subscribe_hubspot(hubspot, door)
        account = salesforce.create("Account", {"Name": "Pushed"})
        company = hubspot.create("companies", {"name": "Pushed"})
        name = url.split("?")[0].rsplit("/", 1)[1]
        _rename(postgresql, name, f"{name}_away")
        # when both tell us, then they are told to come again, each in its own way
        answer = door.tell_salesforce(message(ACCOUNT))
        assert (answer.status_code, "<Ack>false</Ack>" in answer.text) == (503, True)
        assert door.tell_hubspot(b"[%b]" % orjson.dumps(event("company.creation", 7))).status_code == 503
        assert salesforce.deliver_messages()["put_off"] == 1
        assert hubspot.deliver_webhooks()["put_off"] >= 1
        door.awaits("a webhook could not be stored", 0)
        # and once it is back, everything is there
        _rename(postgresql, f"{name}_away", name)
        salesforce.advance_clock(30)
        hubspot.advance_clock(70)
        assert salesforce.deliver_messages()["acknowledged"] == 1
        assert hubspot.deliver_webhooks()["put_off"] == 0
        assert (door.noticed("acme"), door.noticed("globex")) == ({"company": {account}}, {"company": {company}})
        assert door.process.stop() == 0, door.process.log


def test_a_queue_out_of_reach_costs_nobody_an_answer(tmp_path: Path, urls: dict[str, str], sqlite_url: str) -> None:
    with doorstep(installed(tmp_path, urls, sqlite_url, f"redis://127.0.0.1:{free_port()}/0"), "web") as door:
        assert door.tell_salesforce(message(ACCOUNT)).status_code == 200
        door.awaits("the queue is out of reach", 0)
        assert door.noticed("acme") == {"company": {ACCOUNT}}
        assert door.process.stop() == 0, door.process.log


def test_a_message_without_notifications_is_acknowledged(door: Doorstep) -> None:
    assert "<Ack>true</Ack>" in door.tell_salesforce(message()).text
    assert door.tell_hubspot(b"[]").status_code == 204
    assert (door.noticed("acme"), door.noticed("globex")) == ({}, {})


def test_a_hundred_senders_at_once_all_get_their_answer(door: Doorstep) -> None:
    ids = [str(canonical(f"0015g0000000{number:03}")) for number in range(100)]

    async def all_at_once() -> list[int]:
        posts = (asyncio.to_thread(door.tell_salesforce, message(one, ids[0])) for one in ids)
        return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert set(asyncio.run(all_at_once())) == {200}
    assert door.noticed("acme") == {"company": set(ids)}
    commits = door.told().count("noticed")
    assert commits <= 100
    assert until(lambda: sum(int(part.split("=")[1]) for part in door.told().split() if part.startswith("requests=")) == 100)


def test_the_counts_of_what_was_heard(tmp_path: Path, urls: dict[str, str], sqlite_url: str) -> None:
    """What metrics will show."""
    from starlette.applications import Starlette
    from starlette.types import Message, Scope

    from sync_worker.bootstrap import build
    from sync_worker.config.settings import Settings

    written = installed(tmp_path, urls, sqlite_url)
    env = {key: value for key, value in written.env.items() if key.startswith(("ACME_", "SYNC_WORKER_"))}
    settings = Settings(
        database_url=sqlite_url,
        config_dir=tmp_path / "config",
        mappings_dir=Path(env["SYNC_WORKER_MAPPINGS_DIR"]),
        public_url=env["SYNC_WORKER_PUBLIC_URL"],
    )
    installation = build(settings, environ=env)

    async def ask(app: Starlette, path: str, body: bytes) -> int:
        told: list[Message] = []
        scope: Scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}
        scope["client"] = ("203.0.113.9", 1)

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(said: Message) -> None:
            told.append(said)

        await app(scope, receive, send)
        return int(told[0]["status"])

    async def story() -> None:
        webhooks = WebhookAddresses(installation, lambda *_: None)
        app = Starlette(routes=webhooks.routes)
        assert await ask(app, f"/webhooks/salesforce/acme/{HOOK}", message(ACCOUNT, "")) == 200
        assert await ask(app, "/webhooks/salesforce/acme/wrong", message(ACCOUNT)) == 401
        assert await ask(app, "/webhooks/hubspot/nobody", b"[]") == 401
        webhooks.close()
        assert webhooks.counts == {
            ("acme", "taken"): 1,
            ("acme", "heard"): 2,
            ("acme", "skipped"): 1,
            ("acme", "refused"): 1,
            ("", "refused"): 1,
        }

    asyncio.run(story())
    installation.close()


def _rename(server: PostgreSQL, old: str, new: str) -> None:
    """A database gone from where it was; whoever is connected is sent away."""
    server._admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{old}'")
    server._admin(f'ALTER DATABASE "{old}" RENAME TO "{new}"')
