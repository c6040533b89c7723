"""HubSpot's signatures: the vendor's own examples, and what must never pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync_worker.web.webhooks.signature import unescaped, v1_fault, v3_fault

SECRET = b"autopilot-test-client-secret-0001"
OFFICIAL_BODY = (
    b'[{"eventId":531833541,"subscriptionId":3923621,"portalId":48807704,"appId":16111050,"occurredAt":1752613920733,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":138017612137,"changeFlag":"CREATED",'
    b'"changeSource":"CRM_UI","sourceId":"userId:76023669"}]'
)
UTF8_BODY = (
    '[{"appId":7100001,"eventId":4100000003,"subscriptionId":5100002,"portalId":12345678,"occurredAt":1790000002000,'
    '"subscriptionType":"object.creation","attemptNumber":1,"objectId":903,"objectTypeId":"0-1","changeSource":"FORM",'
    '"note":"Zoë — café ☕"}]'
).encode()
V1_SECRET = b"yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
V1_BODY = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation",'
    b'"attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)
V1_SIGNATURE = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
URL = b"https://sync.example.com/webhooks/hubspot/acme"
AT_MS = 1_790_000_000_000


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def signed(body: bytes, *, url: bytes = URL, secret: bytes = SECRET, at_ms: int = AT_MS) -> dict[str, str]:
    """The headers of a request by whoever knows the secret, made from the vendor's description."""
    digest = hmac.new(secret, b"POST" + url + body + str(at_ms).encode(), hashlib.sha256).digest()
    return {"x-hubspot-signature-v3": base64.b64encode(digest).decode(), "x-hubspot-request-timestamp": str(at_ms)}


# ── what is theirs ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("secret", "url", "at_ms", "body", "signature"),
    [
        (
            b"cfc68c0b-4b4e-4ef8-b764-95350e4ea479",
            b"https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df",
            1752613922216,
            OFFICIAL_BODY,
            "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg=",
        ),
        (
            SECRET,
            b"https://example.com/api/hubspot/webhooks?src=hs%3Aapp%2Fv3&x=%28a%29",
            1790000004000,
            b"[]",
            "G8ddQlikFQ0ScZOZn+MHQ0E3WCV7vOJTzKlvrkvbvuk=",
        ),
        (SECRET, b"https://example.com/api/hubspot/webhooks", 1790000003000, UTF8_BODY, "iwUOcQxOJMXtoVai85f7uLyYuAp58oXpeyP5gPQKS2k="),
    ],
    ids=["official", "query", "utf8"],
)
def test_the_vendors_v3_examples(secret: bytes, url: bytes, at_ms: int, body: bytes, signature: str) -> None:
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(at_ms)}
    assert v3_fault(secret, url, body, headers, at(at_ms)) == ""
    assert v3_fault(secret, url, body + b" ", headers, at(at_ms)) == "the signature is wrong"


def test_an_address_signed_without_reading_its_escapes_is_not_theirs() -> None:
    url = b"https://example.com/api/hubspot/webhooks?src=hs%3Aapp%2Fv3&x=%28a%29"
    headers = {"x-hubspot-signature-v3": "KKwrtu49d26FrUsDQdYcfAcwFssKn+cmyppOAUwOO/Q=", "x-hubspot-request-timestamp": "1790000004000"}
    assert v3_fault(SECRET, url, b"[]", headers, at(1790000004000)) == "the signature is wrong"


def test_the_vendors_v1_example() -> None:
    headers = {"x-hubspot-signature": V1_SIGNATURE, "x-hubspot-signature-version": "v1"}
    assert v1_fault(V1_SECRET, V1_BODY, headers) == ""
    assert v1_fault(V1_SECRET, V1_BODY.replace(b"NEW", b"OLD"), headers) == "the signature is wrong"
    assert v1_fault(V1_SECRET, V1_BODY, headers | {"x-hubspot-signature-version": "v2"}) == "no v1 signature"


def test_twelve_escapes_are_read_in_either_case_once_and_no_other() -> None:
    assert unescaped(b"%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B") == b":/?@!$'()*,;" == unescaped(b"%3a%2f%3f%40%21%24%27%28%29%2a%2c%3b")
    assert unescaped(b"%253A") == b"%253A"
    for other in (b"%20", b"%26", b"%3D", b"%2B", b"%25", b"%C3%A9", b"%", b"%3"):
        assert unescaped(other) == other


@given(body=st.binary(), query=st.text(), secret=st.binary(min_size=1), late_ms=st.integers(-300_000, 300_000))
@example(body=b"", query="", secret=b"s", late_ms=300_000)
@example(body=b"", query="", secret=b"s", late_ms=-300_000)
def test_whatever_they_sign_within_five_minutes_is_theirs(body: bytes, query: str, secret: bytes, late_ms: int) -> None:
    escaped = URL + b"?q=" + quote(query, safe=":/?@!$'()*,;").encode()
    sent = URL + b"?q=" + quote(query, safe="").encode()
    assert v3_fault(secret, sent, body, signed(body, url=escaped, secret=secret), at(AT_MS + late_ms)) == ""


# ── what is not ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(body=st.binary(max_size=200), place=st.integers(0, 199), bit=st.integers(0, 7))
def test_one_bit_of_the_body_makes_it_another(body: bytes, place: int, bit: int) -> None:
    changed = bytearray(body or b"\0")
    changed[place % len(changed)] ^= 1 << bit
    assert v3_fault(SECRET, URL, bytes(changed), signed(body), at(AT_MS)) == "the signature is wrong"


@given(signature=st.text(), time=st.text(), version=st.text())
def test_no_other_text_is_a_signature_and_none_is_too_strange(signature: str, time: str, version: str) -> None:
    headers = {
        "x-hubspot-signature-v3": signature,
        "x-hubspot-request-timestamp": time,
        "x-hubspot-signature": signature,
        "x-hubspot-signature-version": version,
    }
    assert v3_fault(SECRET, URL, b"[]", headers, at(AT_MS))
    assert v3_fault(SECRET, URL, b"[]", headers | {"x-hubspot-request-timestamp": str(AT_MS)}, at(AT_MS))
    assert v1_fault(SECRET, b"[]", headers)


@pytest.mark.parametrize("apart", [timedelta(minutes=5, milliseconds=1), timedelta(minutes=-5, milliseconds=-1), timedelta(days=1)])
def test_old_and_future_signatures_are_not_taken(apart: timedelta) -> None:
    assert v3_fault(SECRET, URL, b"[]", signed(b"[]"), at(AT_MS) + apart) == "signed more than five minutes from now"


@pytest.mark.parametrize(
    "time", ["", "now", "1790000000000.0", "-1790000000000", "+1790000000000", " 1790000000000", "١٧٩٠٠٠٠٠٠٠٠٠٠", "9" * 40]
)
def test_a_time_that_is_none(time: str) -> None:
    assert v3_fault(SECRET, URL, b"[]", signed(b"[]") | {"x-hubspot-request-timestamp": time}, at(AT_MS))


def test_without_a_secret_nothing_is_theirs() -> None:
    assert v3_fault(b"", URL, b"[]", signed(b"[]", secret=b""), at(AT_MS)) == "no secret"
    assert v1_fault(b"", b"[]", {"x-hubspot-signature": hashlib.sha256(b"[]").hexdigest()}) == "no secret"


def test_a_signature_of_another_address_or_method_is_not_theirs() -> None:
    assert v3_fault(SECRET, URL.replace(b"https", b"http"), b"[]", signed(b"[]"), at(AT_MS))
    assert v3_fault(SECRET, URL + b"?a=1", b"[]", signed(b"[]"), at(AT_MS))
    got = base64.b64encode(hmac.new(SECRET, b"GET" + URL + b"[]" + str(AT_MS).encode(), hashlib.sha256).digest()).decode()
    assert v3_fault(SECRET, URL, b"[]", signed(b"[]") | {"x-hubspot-signature-v3": got}, at(AT_MS))
