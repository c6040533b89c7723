"""The signatures of notifications, held against the vendor's own examples and others computed by third parties."""

import pytest

from crm_sandbox.hubspot.push import signing

SECRET = "autopilot-test-client-secret-0001"
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
V1_BODY = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation",'
    b'"attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
)


@pytest.mark.parametrize(
    ("secret", "url", "timestamp_ms", "body", "signature"),
    [
        (
            "cfc68c0b-4b4e-4ef8-b764-95350e4ea479",
            "https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df",
            1752613922216,
            OFFICIAL_BODY,
            "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg=",
        ),
        (
            SECRET,
            "https://example.com/api/hubspot/webhooks?src=hs%3Aapp%2Fv3&x=%28a%29",
            1790000004000,
            b"[]",
            "G8ddQlikFQ0ScZOZn+MHQ0E3WCV7vOJTzKlvrkvbvuk=",
        ),
        (SECRET, "https://example.com/api/hubspot/webhooks", 1790000003000, UTF8_BODY, "iwUOcQxOJMXtoVai85f7uLyYuAp58oXpeyP5gPQKS2k="),
    ],
)
def test_v3(secret: str, url: str, timestamp_ms: int, body: bytes, signature: str) -> None:
    assert signing.v3(secret, url, body, timestamp_ms=timestamp_ms) == signature


def test_v1() -> None:
    expected = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    assert signing.v1("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", V1_BODY) == expected


def test_twelve_escapes_are_decoded_in_either_case_once_and_no_other() -> None:
    def signed(query: str) -> str:
        return signing.v3(SECRET, f"https://example.com/hook?{query}", b"[]", timestamp_ms=1)

    assert signed("%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B") == signed(":/?@!$'()*,;") == signed("%3a%2f%3f%40%21%24%27%28%29%2a%2c%3b")
    assert signed("%253A") != signed("%3A")
    for other in ("%20", "%26", "%3D", "%2B", "%25"):
        assert signed(other) != signed(chr(int(other[1:], 16)))
