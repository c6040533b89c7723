"""A call without an answer is told with the host and the reason, never with a class name of a library."""

from __future__ import annotations

import socket
import ssl
from http.client import RemoteDisconnected

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from sync_worker.boundary import silence

POOL = HTTPConnectionPool("acme.my.salesforce.com")
LINE = HTTPConnection("acme.my.salesforce.com")


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


REFUSED = caused(NewConnectionError(LINE, "x"), ConnectionRefusedError(111, "Connection refused"))
UNVERIFIED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] x")
REASONS = [
    (REFUSED, "connection refused"),
    (MaxRetryError(POOL, "/", REFUSED), "connection refused"),
    (ProxyError("down", REFUSED), "the proxy failed: connection refused"),
    (ConnectTimeoutError("slow"), "no connection in time"),
    (ReadTimeoutError(POOL, "/", "slow"), "no answer in time"),
    (ProtocolError("gone", ConnectionResetError(104, "Connection reset by peer")), "connection reset by peer"),
    (ProtocolError("gone", RemoteDisconnected("x")), "the connection was closed without an answer"),
    (ProtocolError("IncompleteRead"), "the connection broke before the answer was whole"),
    (SSLError(UNVERIFIED), "the certificate is not accepted (it cannot be verified)"),
    (UnicodeDecodeError("utf-8", b"\x92", 0, 1, "invalid start byte"), "the answer cannot be decoded"),
    (
        caused(
            NameResolutionError("acme", LINE, socket.gaierror(-2, "Name or service not known")),
            socket.gaierror(-2, "Name or service not known"),
        ),
        "the name of the host is not known (Name or service not known)",
    ),
    (MaxRetryError(POOL, "/"), "no connection"),
    (TimeoutError(), "no answer in time"),
]


@pytest.mark.parametrize(("error", "words"), REASONS, ids=repr)
def test_the_reason_is_told_in_words(error: Exception, words: str) -> None:
    assert silence.told(error, at="https://api.hubapi.com") == f" (api.hubapi.com): {words}"


@pytest.mark.parametrize(("error", "words"), REASONS, ids=repr)
def test_the_reason_inside_an_error_of_requests_is_told_too(error: Exception, words: str) -> None:
    request = requests.Request("GET", "https://user:secret@acme.my.salesforce.com/services/data?q=1").prepare()
    outer = requests.ConnectionError(error, request=request)
    assert silence.told(outer) == f" (acme.my.salesforce.com): {words}"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://user:secret@new.example/login?token=secret#secret", "https://new.example/login"),
        ("/login?token=secret", "/login"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_redirect_names_the_new_address_without_what_may_be_secret(location: str | None, words: str) -> None:
    assert silence.moved_to(location) == words
