"""Outbound messages: what they look like, and what becomes of them when the receiver does not want them."""

from collections.abc import Iterator
from typing import Any
from xml.dom import minidom

import pytest

from crm_sandbox.remote import ControlError, Remote
from tests.integration.sandbox.conftest import Wire
from tests.integration.sandbox.receiver import Receiver, listening
from tests.patience import until

ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{}</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening((200, ACK.format("true"))) as found:
        yield found


def _documents(receiver: Receiver) -> list[Any]:
    return [minidom.parseString(one.body) for one in receiver.told]  # noqa: S318 - our own sandbox speaks


def _told(receiver: Receiver) -> list[list[str]]:
    """The records' ids, per message."""
    return [[node.firstChild.data for node in one.getElementsByTagName("sf:Id")] for one in _documents(receiver)]


def _notification_ids(receiver: Receiver) -> list[str]:
    nodes = [node for one in _documents(receiver) for node in one.getElementsByTagName("Notification")]
    return [node.getElementsByTagName("Id")[0].firstChild.data for node in nodes]


def _text(document: Any, name: str) -> str:
    return str(document.getElementsByTagName(name)[0].firstChild.data)


def test_a_message_looks_like_the_vendors(wire: Wire, remote: Remote, receiver: Receiver) -> None:
    fields = ["Name", "Amount", "CloseDate", "AccountId", "NextStep", "IsClosed", "SystemModstamp"]
    remote.subscribe("Opportunity", fields, receiver.url, organization_id="00D7F00000107Xs")
    deal = remote.create("Opportunity", {"Name": "A & B <1>", "Amount": 5, "StageName": "Prospecting", "CloseDate": "2026-06-01"})
    done = remote.deliver_messages()
    assert done == {"messages": 1, "acknowledged": 1, "put_off": 0, "dropped": 0, "queued": 0}
    [document] = _documents(receiver)
    assert _text(document, "OrganizationId") == "00D7F00000107XsUAI"
    assert document.getElementsByTagName("SessionId")[0].getAttribute("xsi:nil") == "true"
    assert _text(document, "PartnerUrl").startswith(f"{wire.base_url}/services/Soap/u/")
    record = document.getElementsByTagName("sObject")[0]
    assert record.getAttribute("xsi:type") == "sf:Opportunity"
    assert [node.tagName for node in record.childNodes] == [
        f"sf:{name}" for name in ("Id", "Amount", "CloseDate", "IsClosed", "Name", "SystemModstamp")
    ]
    values = [node.firstChild.data for node in record.childNodes]
    assert values == [deal, "5.0", "2026-06-01", "false", "A & B <1>", "2026-05-20T12:00:00.000Z"]
    assert _notification_ids(receiver)[0][:3] == "04l"


def test_batches_hold_a_hundred_and_the_latest_values(remote: Remote, receiver: Receiver) -> None:
    remote.subscribe("Account", ["Phone"], receiver.url)
    ids = [remote.create("Account", {"Name": f"Pushed {number}", "Phone": "old"}) for number in range(3)]
    remote.edit("Account", ids[0], {"Phone": "new"})
    assert remote.deliver_messages(batch_size=3)["messages"] == 2
    assert _told(receiver) == [ids, [ids[0]]]
    assert [_text(document, "sf:Phone") for document in _documents(receiver)] == ["new", "new"]


@pytest.mark.parametrize("answer", [(200, ACK.format("false")), (503, "busy"), (200, "<html>"), (302, "")])
def test_what_is_not_taken_comes_again_later_and_later(remote: Remote, receiver: Receiver, answer: tuple[int, str]) -> None:
    receiver.answers = [answer, answer]
    remote.subscribe("Account", [], receiver.url)
    account = remote.create("Account", {"Name": "Pushed"})
    assert remote.deliver_messages()["put_off"] == 1
    assert remote.deliver_messages()["messages"] == 0
    remote.advance_clock(30)
    assert remote.deliver_messages()["put_off"] == 1
    remote.advance_clock(59)
    assert remote.deliver_messages()["messages"] == 0
    remote.advance_clock(1)
    assert remote.deliver_messages()["acknowledged"] == 1
    assert _told(receiver) == [[account]] * 3
    assert len(set(_notification_ids(receiver))) == 1


def test_after_a_day_it_is_dropped(remote: Remote, receiver: Receiver) -> None:
    receiver.answers = [(500, "no")]
    remote.subscribe("Account", [], receiver.url)
    remote.create("Account", {"Name": "Pushed"})
    remote.deliver_messages()
    remote.advance_clock(24 * 3600)
    assert remote.deliver_messages() == {"messages": 0, "acknowledged": 0, "put_off": 0, "dropped": 1, "queued": 0}


def test_duplicates_and_disorder_by_order(remote: Remote, receiver: Receiver) -> None:
    remote.subscribe("Account", [], receiver.url)
    ids = [remote.create("Account", {"Name": f"Pushed {number}"}) for number in range(8)]
    remote.deliver_messages(batch_size=1, repeat=2, shuffle=True)
    told = [one for [one] in _told(receiver)]
    assert told[::2] == told[1::2]
    assert told[::2] != ids
    assert sorted(told[::2]) == sorted(ids)


def test_a_deleted_record_is_a_notification_without_data(remote: Remote, receiver: Receiver) -> None:
    remote.subscribe("Account", ["Name"], receiver.url)
    remote.subscribe("Account", ["Name"], receiver.url, deleted="id")
    account = remote.create("Account", {"Name": "Pushed"})
    remote.delete("Account", account)
    remote.deliver_messages()
    empty, bare = (document.getElementsByTagName("sObject")[0] for document in _documents(receiver))
    assert [node.tagName for node in empty.childNodes] == []
    assert [node.tagName for node in bare.childNodes] == ["sf:Id"]


def test_what_was_rolled_back_or_written_by_the_client_itself_is_no_news(wire: Wire, remote: Remote, receiver: Receiver) -> None:
    remote.subscribe("Lead", [], receiver.url)
    remote.subscribe("Account", [], receiver.url, ignores_integration_user=True)
    leads = [{"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": company} for company in ("Acme", None)]
    wire.ask("POST", "composite/sobjects", json={"records": leads, "allOrNone": True})
    wire.ask("POST", "sobjects/Account", json={"Name": "Our own"})
    assert remote.deliver_messages()["messages"] == 0
    remote.create("Account", {"Name": "A person's"})
    assert remote.deliver_messages()["messages"] == 1


def test_messages_leave_by_themselves(remote: Remote, receiver: Receiver) -> None:
    remote.subscribe("Account", [], receiver.url, auto=True)
    account = remote.create("Account", {"Name": "Pushed"})
    until(lambda: bool(receiver.told))
    assert _told(receiver) == [[account]]


def test_orders_that_mean_nothing(remote: Remote, receiver: Receiver) -> None:
    for order in ({"url": "ftp://x"}, {"url": receiver.url, "deleted": "all"}):
        with pytest.raises(ControlError):
            remote.subscribe("Account", [], **order)
    with pytest.raises(ControlError):
        remote.subscribe("Account", ["Nope"], receiver.url)
    with pytest.raises(ControlError):
        remote.deliver_messages(batch_size=101)
