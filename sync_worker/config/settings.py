"""The environment, read once at start and frozen. Secrets of CRMs are not here: a portal file names them as `${NAME}`.

A wrong variable is named together with what would be right. Its value is never repeated: an address may hold a password, and what does not
fit may be the password itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from sync_worker.boundary.sealing import Seal
from sync_worker.domain.people.console import Admission, admission_of
from sync_worker.errors import ConfigError, Mistake, Place
from sync_worker.nearest import did_you_mean

PREFIX = "SYNC_WORKER_"
PORTS: Final = range(1, 65_536)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


# ── addresses, read by the libraries that will use them ──────────────────────────────────────────────────────────────


def _database(url: str) -> str:
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError from None  # theirs may quote it
    backend, _, driver = found.drivername.partition("+")
    if backend == "sqlite" and not driver and found.host is None and found.username is None:
        return url
    is_ours = backend in ("postgresql", "postgres") and driver in ("", "psycopg")
    if not is_ours or url.count("@") > 1 or (found.port is not None and found.port not in PORTS):
        raise ValueError
    return url


def _redis(url: str) -> str:
    from redis.connection import parse_url  # only where there is a Redis

    parse_url(url)  # type: ignore[no-untyped-call]  # redis-py does not type it
    parts = urlsplit(url)
    if parts.scheme != "unix" and (parts.fragment or "@" in parts.path + parts.query):
        raise ValueError  # the password ends where it was not meant to, and its beginning would be the host
    return url


def _public(url: str) -> str:
    parts = urlsplit(url)
    if parts.port is not None and parts.port not in PORTS:
        raise ValueError
    return url


def _issuer(url: str) -> str:
    parts = urlsplit(_public(url))
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError
    return url


def _secret(written: SecretStr) -> SecretStr:
    text = written.get_secret_value()
    if not text or text != text.strip() or "\n" in text:
        raise ValueError
    return written


def _roles(written: str) -> str:
    roles_of(written)
    return written


def roles_of(written: str) -> dict[str, Admission]:
    """Value of the claim → as what a person with it is let in. **Raises** ValueError, which quotes nothing of it."""
    try:
        read = json.loads(written)
    except ValueError:
        raise ValueError from None
    if not isinstance(read, dict) or not read or not all(isinstance(one, str) for one in read.values()):
        raise ValueError
    return {value: admission_of(one) for value, one in read.items()}


def _keys(written: SecretStr) -> SecretStr:
    Seal.of(written.get_secret_value())
    return written


def _folder(path: Path) -> Path:
    if ":/" in str(path):
        raise ValueError  # an address, which may hold a password
    return path


Folder = Annotated[Path, AfterValidator(_folder)]


@dataclass(frozen=True, slots=True)
class CompanyLogIn:
    """The company's own log-in.

    **Shapes** `claim`: under which name it says what a person is; `roles`: value of it → as what the person is let in.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str
    roles: Mapping[str, Admission]


class Settings(BaseSettings):
    """Every variable begins with `SYNC_WORKER_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: Annotated[str, AfterValidator(_database)] = Field(default="sqlite:///sync-worker.db", repr=False)
    redis_url: Annotated[str, AfterValidator(_redis)] | None = Field(default=None, repr=False)
    config_dir: Folder = Path("config")
    mappings_dir: Folder = Path("mappings")
    files_url: str = Field(default="file:files", pattern=r"^(file|s3):", repr=False)  # uploads; see docs/distributors.md
    smtp_url: SecretStr | None = None  # smtp://user:password@host:587; without it people are told in the portal alone
    mail_from: str = Field(default="sync-worker <sync-worker@localhost>", pattern=r"^[^@<>\r\n]*<?[^@<>\s]+@[^@<>\s]+>?$")
    http_host: str = Field(default="127.0.0.1", pattern=r"^[A-Za-z0-9._:%-]+$")
    http_port: int = Field(default=8080, ge=0, le=65535)
    http_connections: int = Field(default=500, ge=1, le=100_000)  # open at the same time
    http_head_s: float = Field(default=10, gt=0, le=3600)  # for a request's headers
    http_pause_s: float = Field(default=10, gt=0, le=3600)  # without a byte, of a body that comes or an answer that goes
    http_body_s: float = Field(default=60, gt=0, le=3600)  # for a whole body
    console: bool = False  # pages for operators under /console; see docs/console.md
    secret_key: Annotated[SecretStr, AfterValidator(_keys)] | None = None  # seals what the database keeps of a consent; docs/console.md
    public_url: Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+(/[^/?#@\s]+)*$"), AfterValidator(_public)] | None = None
    oidc_issuer: Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+(/[^/?#@\s]*)*$"), AfterValidator(_issuer)] | None = None
    oidc_client_id: str | None = Field(default=None, pattern=r"^\S+$")
    oidc_client_secret: Annotated[SecretStr, AfterValidator(_secret)] | None = None
    oidc_claim: str = Field(default="groups", pattern=r"^\S+$")
    oidc_roles: Annotated[str, AfterValidator(_roles)] | None = None
    metrics_port: int | None = Field(default=None, ge=1, le=65_000)  # the first of those that the processes of one machine share
    log_format: Literal["console", "json"] = "console"

    @property
    def seal(self) -> Seal | None:
        """What seals and opens secrets in the database; None where there is no key."""
        return Seal.of(self.secret_key.get_secret_value()) if self.secret_key else None

    @property
    def log_in(self) -> CompanyLogIn | None:
        """The company's own log-in; None where nothing of it is set. **Raises** ConfigError naming what is missing."""
        needed = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_roles")
        missing = [name for name in needed if getattr(self, name) is None]
        if len(missing) == len(needed) and self.oidc_claim == type(self).model_fields["oidc_claim"].default:
            return None
        if not (self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret and self.oidc_roles):
            raise ConfigError([mistake_in(name, "it is not set, and the log-in with the company's account needs it") for name in missing])
        secret = self.oidc_client_secret.get_secret_value()
        return CompanyLogIn(self.oidc_issuer, self.oidc_client_id, secret, self.oidc_claim, roles_of(self.oidc_roles))


_ESCAPED: Final = "in a password, @ is written %40, / is %2F, : is %3A, # is %23 and ? is %3F"
RIGHT: Final[Mapping[str, str]] = {
    "database_url": f"write sqlite:///file.db or postgresql://user:password@host:5432/database; {_ESCAPED}",
    "redis_url": f"write redis://user:password@host:6379/0, or rediss:// for TLS; {_ESCAPED}",
    "config_dir": "write the path of the folder that holds portals/",
    "mappings_dir": "write the path of the folder that holds the mapping files",
    "files_url": "write file:folder or s3://bucket/prefix?endpoint=https://…&region=…",
    "smtp_url": f"write smtp://user:password@host:587 or smtps://user:password@host:465; {_ESCAPED}",
    "mail_from": "write one sender: name <name@example.com>",
    "http_host": "write the host name or the address to listen on, such as 127.0.0.1 or 0.0.0.0",
    "http_port": "write a port from 0 to 65535",
    "public_url": "write https://host or https://host/prefix, as HubSpot calls it: without user, query and slash at the end",
    "console": "write true or false",
    "secret_key": "write keys of 32 random bytes in base64 for addresses, with commas between them: openssl rand -base64 32 | tr +/ -_",
    "oidc_issuer": "write the provider's address as it names itself, such as https://login.example.com; http is for loopback alone",
    "oidc_client_id": "write the id that the provider gave this installation",
    "oidc_client_secret": "write the secret that the provider gave this installation, in one line and without blanks around it",
    "oidc_claim": "write the name of a claim of the ID token, such as groups",
    "oidc_roles": 'write JSON: {"VALUE": "operator", "VALUE": "operator@PORTAL", "VALUE": "vendor@PORTAL"}',
    "metrics_port": "write a port from 1 to 65000",
    "http_connections": "write a whole number from 1 to 100000",
    **dict.fromkeys(("http_head_s", "http_pause_s", "http_body_s"), "write seconds: more than 0, and 3600 at most"),
    "log_format": "write console or json",
}
"""Setting → what would be right."""


OF_TESTS: Final = frozenset({"TEST_REDIS_URL", "TEST_DATABASE_URL", "TEST_CHROMIUM", "SIMULATION_SEEDS"})


def unknown_variables(environ: Mapping[str, str]) -> list[Mistake]:
    """The variables that begin as ours do but are not settings: the worker does not read them, so they have no effect."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {PREFIX + name for name in OF_TESTS}
    strangers = sorted(name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    remedy = {name: did_you_mean(name, sorted(known)) or "remove it; docs/operations.md lists the variables" for name in strangers}
    return [Mistake(Place("environment", 1, 1), name, "sync-worker has no variable of this name", remedy[name]) for name in strangers]


def read_settings() -> Settings:
    """The settings of this process. **Raises** ConfigError naming each wrong variable and what would be right."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors(include_input=False, include_context=False))
        raise ConfigError([mistake_in(name) for name in wrong]) from None


def mistake_in(name: str, what: str = "the value does not fit") -> Mistake:
    """A setting that a person has to write otherwise."""
    return Mistake(Place("environment", 1, 1), PREFIX + name.upper(), what, RIGHT[name])
