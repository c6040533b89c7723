"""The way to an SMTP server: `smtp://` with STARTTLS wherever the server offers it, `smtps://` with TLS from the first byte.

A log-in is never shown to a network in plain text: with a user in the address TLS is required, unless the server is on this machine.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from sync_worker.boundary import silence
from sync_worker.boundary.text import decoded, storable
from sync_worker.config.settings import mistake_in
from sync_worker.errors import ConfigError, RecordError, TransientError

TIMEOUT_S: Final = 30.0
_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Server:
    """One SMTP server. **Shapes** `user` "" = no log-in."""

    host: str
    port: int
    is_tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    def send(self, letter: EmailMessage) -> None:
        """Hands the letter over. **Raises** TransientError to try again later, RecordError where that is of no use."""
        try:
            with self._connected() as connection:
                connection.send_message(letter)
        except smtplib.SMTPResponseException as error:
            raise self._meant(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise self._meant(code, words) from error
        except (smtplib.SMTPException, OSError) as error:
            why = str(error) if isinstance(error, smtplib.SMTPException) else silence.reason(error)
            raise TransientError(f"{self} did not take the letter: {why}") from error

    def __str__(self) -> str:
        return f"the mail server {self.host}:{self.port}"

    def _meant(self, code: int, words: bytes | str) -> TransientError | RecordError:
        """4xx and a refused log-in may pass later; any other 5xx is the last word on this letter."""
        said = f"{self} said {code} {decoded(words) if isinstance(words, bytes) else storable(str(words))}"
        if code < 500 or code in (530, 534, 535, 538):
            return TransientError(said)
        return RecordError(said, code="mail_refused")

    def _connected(self) -> smtplib.SMTP:
        secure = ssl.create_default_context()
        if self.is_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=secure)
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            self._prepare(connection, secure)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: smtplib.SMTP, secure: ssl.SSLContext) -> None:
        connection.ehlo()
        is_secret = self.is_tls
        if not self.is_tls and connection.has_extn("starttls") and self.host not in _LOOPBACK:
            connection.starttls(context=secure)
            is_secret = True
        if self.user:
            if not is_secret and self.host not in _LOOPBACK:
                raise TransientError(f"{self} offers no TLS, and the password is not shown to the network — use smtps://")
            connection.login(self.user, self.password)


def server_of(url: str) -> Server:
    """The server of an address: `smtp://user:password@host:587` or `smtps://…:465`. **Raises** ConfigError, which never shows it."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port, parts = 0, urlsplit("")
    if not port or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigError([mistake_in("smtp_url")])
    return Server(parts.hostname, port, parts.scheme == "smtps", unquote(parts.username or ""), unquote(parts.password or ""))
