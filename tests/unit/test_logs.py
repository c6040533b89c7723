"""Log lines go where stderr is now, and secrets never pass."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.boundary.redaction import MASK, masked
from sync_worker.errors import RateLimited, TransientError, told
from sync_worker.telemetry import logs


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_goes_where_stderr_is_when_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a log that was set up while stderr was another file, closed since
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    logs.set_up()
    first.close()
    # When something is logged
    monkeypatch.setattr("sys.stderr", second)
    logs.get().warning("claims expired", count=3)
    # Then it is written where people look now
    assert "claims expired" in second.getvalue()


def test_secrets_are_masked_by_name_and_by_look(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    logs.set_up("json")
    logs.get().warning("refused", client_secret="s3cr3t", said="Authorization: Bearer abc.def and client_secret=s3cr3t&x=1")
    assert "s3cr3t" not in shown.getvalue()
    assert "abc.def" not in shown.getvalue()


# ── every form in which a secret may come ────────────────────────────────────────────────────────────────────────────

CANARY = "cAnArY7-secret"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----"
FORMS: dict[str, dict[str, Any]] = {
    "nested": {"answer": {"body": [{"client_secret": CANARY}]}},
    "header dump": {"headers": {"Authorization": f"Basic {CANARY}", b"cookie": CANARY.encode()}},
    "tuples": {"headers": [("Authorization", f"Basic {CANARY}"), (b"x-api-key", CANARY.encode())]},
    "raw request": {"sent": f"POST /x HTTP/1.1\r\nAuthorization: Basic {CANARY}\r\nCookie: a={CANARY}; b={CANARY}\r\nAccept: */*"},
    "text of headers": {"sent": str({"Authorization": f"Basic {CANARY}"}) + str([("X-HubSpot-Signature-v3", CANARY)])},
    "JSON": {"body": json.dumps({"a": {"access_token": CANARY}})},
    "JSON in JSON": {"body": json.dumps({"inner": json.dumps({"refresh_token": CANARY, "inner": json.dumps({"password": CANARY})})})},
    "form": {"body": f"grant_type=x&client_secret={CANARY}&assertion={CANARY}"},
    "XML": {"body": f"<sf:sessionId>{CANARY}</sf:sessionId>"},
    "user in an address": {
        "url": f"postgresql://ann:{CANARY}@db/x redis://:{CANARY}/b@db:1 https://{CANARY}@host amqp://u:a@{CANARY}@host"
    },
    "webhook": {"path": f"/webhooks/salesforce/acme/{CANARY}"},
    "looks": {"said": f"Bearer {CANARY} pat-na1-{CANARY} 00D000000000001!{CANARY} swk_{CANARY.replace('-', '_')} eyJabcdef.{CANARY}.x"},
    "key": {"pem": PEM, "cut": PEM[:60]},
    "object": {"error": ValueError(f"token='{CANARY}'")},
    "bytes": {"raw": f"Bearer {CANARY}".encode()},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_form_of_a_secret_passes(monkeypatch: pytest.MonkeyPatch, form: str, log_format: Literal["console", "json"]) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    logs.set_up(log_format)
    logs.get().warning("refused", **FORMS[form])
    assert CANARY not in shown.getvalue()
    assert "cAnArY7" not in shown.getvalue()
    assert MASK in shown.getvalue().replace("\\u2022", "•")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_the_place_and_no_secret(monkeypatch: pytest.MonkeyPatch, log_format: Literal["console", "json"]) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    logs.set_up(log_format)
    try:
        try:
            raise ValueError(f"Authorization: Basic {CANARY}")
        except ValueError as error:
            raise RuntimeError(f"https://ann:{CANARY}@host") from error
    except RuntimeError:
        logs.get().exception("a bug")
        logging.getLogger("some.library").exception("a bug of theirs at %s", f"https://ann:{CANARY}@host")
    assert "cAnArY7" not in shown.getvalue()
    assert shown.getvalue().count("RuntimeError: ") == 2
    assert "test_logs.py" in shown.getvalue()


def test_what_nobody_caught_is_printed_without_a_secret() -> None:
    program = f"from sync_worker.telemetry import logs; logs.show_no_secrets_in_tracebacks(); raise ValueError('token=' + {CANARY!r})"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "ValueError: token=•••" in answer.stderr


def test_every_error_of_ours_keeps_secrets_to_itself() -> None:
    for error in (TransientError(FORMS["JSON"]["body"]), RateLimited(f"Bearer {CANARY}", retry_after_s=1, scope="burst")):
        assert CANARY not in str(error)
        assert CANARY not in repr(error)
    assert CANARY not in told(KeyError(f"token={CANARY}"))
    assert told(ValueError(f"first line\n{CANARY}")) == "ValueError: first line"


@pytest.mark.parametrize(
    "text",
    [
        "acme.yaml:5:1: crm.auth.client_secret: a secret must not stand in the file — write ${NAME}",
        "acme.yaml:5:1: crm.auth.token: the environment variable X is not set — export X=…",
        "'client_secret' is missing — client_credentials needs domain, client_id, client_secret",
        "this is not a valid token of this portal: mistyped, revoked, expired",
        "http://127.0.0.1:8080/x@y and https://host/a?b=c@d",
        "Authorization of the integration user is missing",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


@given(secret=st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1), depth=st.integers(1, 4))
def test_json_in_json_hides_any_secret(secret: str, depth: int) -> None:
    hidden = f"<{CANARY}>{secret}<{CANARY}>"
    text = json.dumps({"client_secret": hidden})
    for _ in range(depth):
        text = json.dumps({"said": text})
    assert CANARY not in masked(text)
