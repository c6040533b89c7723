"""A receiver cannot hold a sender, with real sockets; and two secrets sign while one is exchanged for the other."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from sync_worker import receiver as room
from sync_worker.domain.tell.delivery import DeliveryOutcome, ReceiverAnswer, ending_of
from sync_worker.receiver import Receiver
from tests.integration.feed.desk import receiver_of
from tests.integration.feed.inbox import SECRET
from tests.patience import HANG_S

NEW = "whsec_" + "bmV3IHNlY3JldCBvZiB0aGUgcG9ydGFsJ3MgcmVjZWl2ZXI="
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
Talk = Callable[[socket.socket], object]


@contextmanager
def receiving(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Somebody who reads the head of each request and then talks as told; where they listen."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(line: socket.socket) -> None:
            try:
                with context.wrap_socket(line, server_side=True) if context else line as wrapped:
                    read = b""
                    while b"\r\n\r\n" not in read:
                        read += wrapped.recv(65_536)
                    talk(wrapped)
            except OSError:
                return

        def work() -> None:
            while not is_over.is_set():
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(line,), daemon=True).start()

        threading.Thread(target=work, daemon=True).start()
        scheme, host = ("https", "localhost") if context else ("http", "127.0.0.1")
        try:
            yield f"{scheme}://{host}:{listener.getsockname()[1]}/events"
        finally:
            is_over.set()


def byte_by_byte(beginning: bytes, filling: bytes) -> Talk:
    """Never stops, and never lets a read time out."""

    def talk(line: socket.socket) -> None:
        line.sendall(beginning)
        while True:
            for start in range(len(filling)):
                line.sendall(filling[start : start + 1])
                time.sleep(0.05)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "the status line": byte_by_byte(b"HTTP/1.1 200 ", b"x"),
    "the headers": byte_by_byte(OK, b"x-a: b\r\n"),
    "one header": byte_by_byte(OK + b"x-a: ", b"b"),
    "answers that are none yet": byte_by_byte(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the body": byte_by_byte(OK + b"content-length: 5000\r\n\r\n", b"x"),
    "a body in chunks": byte_by_byte(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a body without an end": byte_by_byte(OK + b"\r\n", b"x"),
    "a refusal": byte_by_byte(b"HTTP/1.1 500 No\r\ncontent-length: 5000\r\n\r\n", b"x"),
}


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWER_S", 0.7)


def sent(receiver: Receiver) -> tuple[ReceiverAnswer, float]:
    began_s = time.monotonic()
    answer = receiver.send("evt_1", "ping", NOW, {"seq": 1})
    return answer, time.monotonic() - began_s


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("what", SLOW)
def test_a_receiver_that_answers_byte_by_byte_has_one_deadline_for_all_of_it(what: str) -> None:
    with receiving(SLOW[what]) as url, closing(receiver_of(url)) as receiver:
        answer, took_s = sent(receiver)
    assert ending_of(answer) is DeliveryOutcome.DOWN, answer
    assert took_s < HANG_S  # without the deadline it never ends


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("what", ["the headers", "the body"])
def test_the_same_over_tls(what: str, tmp_path: Path) -> None:
    with receiving(SLOW[what], certified(tmp_path)) as url, closing(receiver_of(url)) as receiver:
        receiver._pool.connection_pool_kw["ca_certs"] = str(tmp_path / "certificate.pem")
        answer, took_s = sent(receiver)
    assert ending_of(answer) is DeliveryOutcome.DOWN, answer
    assert answer.words == "no answer: no answer in time"
    assert took_s < HANG_S


def test_a_quick_answer_is_taken_whole_over_tls_and_the_connection_serves_again(tmp_path: Path) -> None:
    def talk(line: socket.socket) -> None:
        while True:
            line.sendall(OK + b"content-length: 2\r\n\r\nok")
            if not line.recv(65_536):
                return

    with receiving(talk, certified(tmp_path)) as url, closing(receiver_of(url)) as receiver:
        receiver._pool.connection_pool_kw["ca_certs"] = str(tmp_path / "certificate.pem")
        answers = [sent(receiver)[0] for _ in range(3)]
    assert [(answer.status, answer.words) for answer in answers] == [(200, "ok")] * 3


def test_a_receiver_that_does_not_read_has_the_same_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWER_S", 0.7)
    is_over = threading.Event()
    with receiving(lambda _line: is_over.wait(HANG_S)) as url, closing(receiver_of(url)) as receiver:
        answer = receiver.send("evt_1", "ping", NOW, {"text": "x" * 50_000_000})
        is_over.set()
    assert ending_of(answer) is DeliveryOutcome.DOWN


def test_two_secrets_sign_while_one_is_exchanged() -> None:
    # Given a receiver that knows either the old secret or the new one
    heads: list[bytes] = []

    @contextmanager
    def recorded() -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def work() -> None:
                line, _ = listener.accept()
                with line:
                    read = b""
                    while not read.endswith(b"}"):
                        read += line.recv(65_536)
                    heads.append(read)
                    line.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/events"
            thread.join(HANG_S)

    # When an event is sent with both
    with recorded() as url, closing(Receiver(url, NEW, SECRET, clock=lambda: datetime.now(UTC))) as receiver:
        answer = receiver.send("evt_1", "ping", NOW, {"seq": 1})
    # Then each of them verifies it with the library of the standard, and a third secret does not
    assert answer.status == 204
    head, body = heads[0].split(b"\r\n\r\n", 1)
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, value in headers.items()}
    for secret in (NEW, SECRET):
        verified: Any = Webhook(secret).verify(body, headers)
        assert verified["data"] == {"seq": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgYW5vdGhlciByZWNlaXZlcg==").verify(body, headers)


def certified(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own for localhost, which lies in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
