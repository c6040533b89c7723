"""Which records a request names, for both CRMs; what means nothing to us is skipped and counted, never refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.web.webhooks.heard import HeardNotices, WebhookRefusal
from sync_worker.web.webhooks.hubspot import read_events
from sync_worker.web.webhooks.salesforce import read_message
from tests.integration.web.conftest import HUB_ID, ORGANIZATION, event, message

NATIVES = {"Account": "company", "Lead": "lead", "Opportunity": "opportunity"}
HUBSPOT_NATIVES = {"companies": "company", "deals": "deal"}
ACCOUNT, OTHER = "0015g00000AAAAAAA5", "0015g00000BBBBBAA5"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["subscriptionType", "eventType", "objectTypeId", "objectId", "associationType", "fromObjectId", "toObjectId", "mergedObjectIds"]
)
WORDS = st.sampled_from(["company.merge", "deal.associationChange", "object.creation", "deal.propertyChange", "DEAL_TO_COMPANY", "0-3", ""])


def heard_from_salesforce(body: bytes) -> HeardNotices:
    organization_id = canonical(ORGANIZATION)
    assert organization_id
    heard = read_message(body, organization_id=organization_id, records=NATIVES)
    assert isinstance(heard, HeardNotices), heard
    return heard


def heard_from_hubspot(*events: Any) -> HeardNotices:
    heard = read_events(orjson.dumps(events), hub_id=HUB_ID, records=HUBSPOT_NATIVES)
    assert isinstance(heard, HeardNotices), heard
    return heard


# ── salesforce ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spelled", [lambda one: one, lambda one: one[:15], str.upper, str.lower], ids=["18", "15", "upper", "lower"])
def test_an_id_in_any_spelling_is_one_record(spelled: Callable[[str], str]) -> None:
    account = canonical(ACCOUNT[:15])
    assert account
    assert heard_from_salesforce(message(account, spelled(account))).noticed == {"company": {account}}


@pytest.mark.parametrize("organization", [ORGANIZATION, canonical(ORGANIZATION), str(canonical(ORGANIZATION)).lower()])
def test_the_organization_in_either_length(organization: str) -> None:
    assert heard_from_salesforce(message(ACCOUNT[:15], organization=organization)).events == 1


def test_a_hundred_notifications_are_heard() -> None:
    ids = [str(canonical(f"0015g0000000{number:03}")) for number in range(100)]
    heard = heard_from_salesforce(message(*ids))
    assert (heard.events, heard.noticed) == (100, {"company": set(ids)})


def test_notifications_that_name_nothing_we_keep() -> None:
    heard = heard_from_salesforce(message("", "no id at all", ACCOUNT[:15]))
    assert heard.skipped == {"no id": 2}
    assert heard.noticed == {"company": {canonical(ACCOUNT[:15])}}
    heard = heard_from_salesforce(message(ACCOUNT[:15], type_="Contact"))
    assert (heard.noticed, heard.skipped) == ({}, {"another record type": 1})


def test_a_message_without_notifications_is_heard_and_says_nothing() -> None:
    assert heard_from_salesforce(message()) == HeardNotices()


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(body: bytes) -> None:
    assert isinstance(read_message(body, organization_id="x", records=NATIVES), WebhookRefusal)


# ── hubspot ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "noticed"),
    [
        (event("company.creation", 7), {"company": {"7"}}),
        (event("deal.propertyChange", 8, propertyName="amount"), {"deal": {"8"}}),
        (event("company.deletion", 7), {"company": {"7"}}),
        (event("deal.restore", 8), {"deal": {"8"}}),
        (event("", 8, eventType="deal.creation"), {"deal": {"8"}}),
        (event("object.creation", 7, objectTypeId="0-2"), {"company": {"7"}}),
        (event("object.propertyChange", 8, objectTypeId="0-3"), {"deal": {"8"}}),
        (event("company.merge", 9, primaryObjectId=7, mergedObjectIds=[8], newObjectId=9), {"company": {"7", "8", "9"}}),
        (event("object.merge", 9, objectTypeId="0-3", primaryObjectId=7, mergedObjectIds=[8]), {"deal": {"7", "8", "9"}}),
        (event("deal.associationChange", associationType="DEAL_TO_COMPANY", fromObjectId=8, toObjectId=7), {"deal": {"8"}}),
        (event("company.associationChange", associationType="COMPANY_TO_DEAL", fromObjectId=7, toObjectId=8), {"deal": {"8"}}),
        (event("deal.associationChange", associationType="DEAL_TO_COMPANY_UNLABELED", fromObjectId=8, toObjectId=7), {"deal": {"8"}}),
        (event("deal.associationChange", fromObjectId=8, toObjectId=7), {"deal": {"8"}}),
        (event("object.associationChange", objectTypeId="0-3", fromObjectId=8, toObjectId=7), {"deal": {"8"}}),
    ],
)
def test_events_and_the_records_they_name(told: dict[str, Any], noticed: dict[str, set[str]]) -> None:
    heard = heard_from_hubspot(told)
    assert (heard.noticed, heard.skipped, heard.events) == (noticed, {}, 1)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (event("contact.creation", 7), "another record type"),
        (event("object.creation", 7, objectTypeId="2-4711"), "another record type"),
        (event("company.associationChange", associationType="COMPANY_TO_CONTACT", fromObjectId=7, toObjectId=8), "another record type"),
        (event("company.privacyDeletion", 7), "another event"),
        (event("conversation.newMessage", 7), "another event"),
        (event("", 7), "another event"),
        (event("company.creation"), "no id"),
        (event("company.creation", "seven"), "no id"),
        (event("company.creation", True), "no id"),
        (event("company.creation", -7), "no id"),
        (event("company.merge", None, mergedObjectIds=7, primaryObjectId=None), "no id"),
        (event("company.creation", 7, portalId=33), "another account"),
        (7, "another account"),
    ],
)
def test_what_means_nothing_to_us_is_skipped_and_the_others_are_heard(told: Any, why: str) -> None:
    heard = heard_from_hubspot(told, event("company.creation", 1))
    assert (heard.noticed, heard.skipped, heard.events) == ({"company": {"1"}}, {why: 1}, 2)


STRANGE_IDS = {
    "20,000 digits": b"1" * 20_000,
    "20,000 digits as text": b'"' + b"1" * 20_000 + b'"',
    "20 digits": b"11111111111111111111",
    "more than 64 bits hold": b"9223372036854775808",
    "the same as text": b'"9223372036854775808"',
    "arabic digits": '"٧"'.encode(),
    "a superscript": '"²"'.encode(),
    "full width": '"７"'.encode(),
    "zeros before it": b'"007"',
    "zero": b"0",
    "below zero": b"-7",
    "a fraction": b"7.5",
    "with an exponent": b"1e400",
    "below zero with an exponent": b"-1e400",
    "a list": b"[7]",
    "a surrogate": b'"\\ud83d"',
    "U+0000": b'"7\\u0000"',
}


@pytest.mark.parametrize("name", STRANGE_IDS)
@pytest.mark.parametrize("key", ["objectId", "portalId", "mergedObjectIds"])
def test_an_event_whose_id_is_none_costs_none_of_those_beside_it(name: str, key: str) -> None:
    # Given a request with three events, of which the one in the middle names a record that there cannot be
    good = [event("company.creation", 7), event("deal.creation", 8)]
    bad = orjson.dumps(event("company.merge", 9)).replace(b"{", b'{"%s":' % key.encode() + STRANGE_IDS[name] + b",", 1)
    if key != "mergedObjectIds":  # of a name that stands twice the last one counts
        bad = orjson.dumps({**event("company.creation"), key: "HERE"}).replace(b'"HERE"', STRANGE_IDS[name])
    body = b"[" + b",".join((orjson.dumps(good[0]), bad, orjson.dumps(good[1]))) + b"]"
    # When it is heard
    heard = read_events(body, hub_id=HUB_ID, records=HUBSPOT_NATIVES)
    # Then the two others are noticed, and nothing else but the id that is one
    assert isinstance(heard, HeardNotices), heard
    assert heard.events == 3
    assert heard.noticed == {"company": {"7", "9"} if key == "mergedObjectIds" else {"7"}, "deal": {"8"}}


@pytest.mark.parametrize("crm_id", ["1" * 20_000, "٠٠١٥", "0015g00000AAAAA²A5", "", "\U0001f680" * 18, "x" * 200_000])
def test_a_notification_whose_id_is_none_costs_none_of_those_beside_it(crm_id: str) -> None:
    heard = heard_from_salesforce(message(ACCOUNT[:15], crm_id, OTHER[:15]))
    assert heard.noticed == {"company": {canonical(ACCOUNT[:15]), canonical(OTHER[:15])}}
    assert (heard.events, heard.skipped) == (3, {"no id": 1})


def test_duplicates_and_disorder_coalesce() -> None:
    events = [event(what, record_id) for what in ("company.propertyChange", "company.creation") for record_id in (3, 1, 2, 1)]
    assert heard_from_hubspot(*events).noticed == heard_from_hubspot(*reversed(events)).noticed == {"company": {"1", "2", "3"}}


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine makes data slowly, too
@given(st.lists(st.dictionaries(KEYS, JSON | WORDS, max_size=8), max_size=3))
def test_no_event_is_too_strange(events: list[dict[str, Any]]) -> None:
    heard = heard_from_hubspot(*({"portalId": int(HUB_ID), **one} for one in events))
    assert heard.events == len(events)
    assert all(one.isdecimal() for ids in heard.noticed.values() for one in ids)


@given(JSON)
def test_no_json_is_too_strange(told: Any) -> None:
    read_events(orjson.dumps(told), hub_id=HUB_ID, records=HUBSPOT_NATIVES)


# ── text that is not fit ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("unfit", [rb"\ud800", rb"\u0000", b"\xe4", b"\x00"], ids=repr)
def test_events_are_heard_whatever_text_stands_beside_their_ids(unfit: bytes) -> None:
    body = orjson.dumps([event("company.propertyChange", 1, propertyValue="Ced?r"), event("company.propertyChange", 2)])
    heard = read_events(body.replace(b"?", unfit), hub_id=HUB_ID, records=HUBSPOT_NATIVES)
    assert isinstance(heard, HeardNotices), heard
    assert heard.noticed == {"company": {"1", "2"}}


def test_a_message_is_heard_although_a_field_is_not_utf_8() -> None:
    body = message(ACCOUNT[:15]).replace(b"</sf:Id>", b"</sf:Id><sf:Name>Ced\xe4r</sf:Name>", 1)
    assert heard_from_salesforce(body).noticed == {"company": {canonical(ACCOUNT[:15])}}
