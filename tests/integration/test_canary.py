"""The canary: a secret in any variable, whatever is wrong with it, never comes out at start. Every field of every model is tried."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Final, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr

from sync_worker.cli.app import DONE, NEEDS_A_PERSON, OUT_OF_REACH, WRONG_USE, run
from sync_worker.config.portal import CrmSettings, FeedSettings
from sync_worker.config.settings import PREFIX, RIGHT, Settings

CANARY: Final = "cAnArY7"
ROOT: Final = Path(__file__).parents[2]

# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

WRONG: Final[Mapping[str, Sequence[str]]] = {
    "database_url": (
        "mysql://u:{}@db.invalid/x",
        "postgresql://u:{}@db.invalid:port/x",
        "postgresql://u:{}@db.invalid:99999/x",
        "postgresql://u:pa@{}@db.invalid/x",
        "postgresql://u:pa@{}/b@db.invalid/x",
        "postgres:{}",
        "sqlite://u:{}@host/x",
        "{}",
    ),
    "redis_url": (
        "redis://:{}/b@127.0.0.1:6379",
        "redis://:12/{}@127.0.0.1:6379",
        "redis://:12?{}@127.0.0.1:6379",
        "redis://:12#{}@127.0.0.1:6379",
        "redis://:{}[@127.0.0.1:6379",
        "redis://:{}@127.0.0.1:99999",
        "redis://:{}@127.0.0.1?socket_timeout=long",
        "http://{}",
        "{}",
    ),
    "config_dir": ("postgresql://u:{}@host/x",),
    "mappings_dir": ("postgresql://u:{}@host/x",),
    "files_url": (
        "s3://u:{}@bucket/x",
        "s3://bucket?{}",
        "s3://bucket?secret={}",
        "s3://bucket?endpoint=https://u:{}@host",
        "s3://bucket?endpoint=http://{}",
        "s3://bucket?endpoint={}",
        "s3://bucket?endpoint=https://{}:port",
        "{}",
    ),
    "smtp_url": ("http://u:{}@host", "smtp://u:{}/b@host", "smtp://u:12#{}@host", "smtp://u:12?{}@host", "smtp://u:{}@host:port", "{}"),
    "mail_from": ("{}", "{} <a@b@c>"),
    "http_host": ("http://u:{}@host", "u:{}@host"),
    "http_port": ("{}", "99999{}"),
    **dict.fromkeys(("http_connections", "http_head_s", "http_pause_s", "http_body_s"), ("{}", "0{}")),
    "public_url": ("https://u:{}@host", "https://u:{}/b@host", "https://{}/", "https://{}:99999", "https://{}:port", "{}"),
    "metrics_port": ("{}",),
    "console": ("{}",),
    "secret_key": ("{}", "{},"),
    "oidc_issuer": ("http://{}", "https://u:{}@host", "https://{}:99999", "https://host?{}", "{}"),
    "oidc_client_id": ("a {}",),
    "oidc_client_secret": (" {}", "{}\nb"),
    "oidc_claim": ("a {}",),
    "oidc_roles": ("{}", '{{"a": "{}"}}', '{{"{}": "vendor"}}', '{{"{}": "operator@"}}', '{{"{}": 1}}', '["{}"]'),
    "log_format": ("{}",),
}
"""Setting → values that do not fit, with a place for the secret."""
CASES: Final = [(name, written.format(CANARY)) for name, values in WRONG.items() for written in values]


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Path:
    """An installation with one portal that would start."""
    monkeypatch.setenv("SYNC_WORKER_DATABASE_URL", sqlite_url)
    (tmp_path / "config" / "portals").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNC_WORKER_MAPPINGS_DIR", str(ROOT / "mappings"))
    for name in ("ID", "SECRET"):
        monkeypatch.setenv(name, "right")
    (tmp_path / "config" / "portals" / "acme.yaml").write_text(json.dumps(SALESFORCE))
    return tmp_path


def started(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """How a command ended, and all that it said anywhere."""
    code = run(words)
    out, err = capfd.readouterr()
    return code, out + err


def test_every_setting_is_tried() -> None:
    assert set(WRONG) == set(RIGHT) == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_setting_that_does_not_fit_is_named_and_never_repeated(
    env: Path, name: str, value: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), value)
    for words in (("run", "--port", "0"), ("portals", "list")):
        code, said = started(capfd, *words)
        assert (code, CANARY in said) == (WRONG_USE, False), said
        assert PREFIX + name.upper() in said


def test_a_host_that_is_no_name_is_a_wrong_setting_and_not_a_bug(
    env: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNC_WORKER_HTTP_HOST", "a..b")
    code, said = started(capfd, "run", "--port", "0")
    assert (code, "SYNC_WORKER_HTTP_HOST" in said, "a bug" in said) == (WRONG_USE, True, False), said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", f"postgres://u:{CANARY}@127.0.0.1:1/x"),
        ("database_url", f"postgres://u:{CANARY}%40%2F@127.0.0.1:1/x"),
        ("database_url", f"postgresql://u:{CANARY}/b@127.0.0.1:1/x"),
        ("database_url", f"postgresql+psycopg://127.0.0.1:1/x?user=u&password={CANARY}"),
    ],
)
def test_a_database_out_of_reach_is_said_without_its_password(
    env: Path, name: str, value: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), value)
    code, said = started(capfd, "portals", "list")
    assert (code, CANARY in said) == (OUT_OF_REACH, False), said
    assert "the database is out of reach" in said


@pytest.mark.parametrize("password", [CANARY, f"{CANARY}%2Fb", f"{CANARY}@b"])
def test_a_redis_out_of_reach_is_said_without_its_password(
    env: Path, password: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNC_WORKER_REDIS_URL", f"redis://:{password}@127.0.0.1:1/0")
    started(capfd, "db", "upgrade")
    code, said = started(capfd, "worker")
    assert (code, CANARY in said) == (OUT_OF_REACH, False), said
    assert "SYNC_WORKER_REDIS_URL" in said


def test_settings_show_no_secret_of_theirs() -> None:
    secret = f"postgresql://u:{CANARY}@host/x"
    settings = Settings(database_url=secret, redis_url=f"redis://:{CANARY}@host", smtp_url=SecretStr(CANARY), files_url=f"s3://{CANARY}")
    assert CANARY not in repr(settings)
    assert CANARY not in str(settings)


# ── portal files ─────────────────────────────────────────────────────────────────────────────────────────────────────

SALESFORCE: Final[Mapping[str, Any]] = {
    "portal": "acme",
    "crm": {
        "kind": "salesforce",
        "mapping": "salesforce.yaml",
        "auth": {"flow": "client_credentials", "domain": "acme.my", "client_id": "${ID}", "client_secret": "${SECRET}"},
    },
}
HUBSPOT: Final[Mapping[str, Any]] = {
    "portal": "acme",
    "crm": {"kind": "hubspot", "mapping": "hubspot.yaml", "auth": {"flow": "static_token", "token": "${SECRET}"}},
}
MISFITS: Final = (
    CANARY,
    f" {CANARY} ",
    f"{CANARY}\n",
    f"../{CANARY}",
    f"{CANARY}.yaml",
    f"https://u:{CANARY}@host",
    f"http://{CANARY}.example",
    f"https://{CANARY}:port",
    f"{CANARY}/?#",
)
Step = str | int


def fields(model: type[BaseModel], at: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Every place under a model where a value stands."""
    for name, info in model.model_fields.items():
        yield from values(info.annotation, (*at, info.alias or name))


def values(annotation: Any, at: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from values(arguments[0], at)
    elif origin in (Union, types.UnionType):
        yield from values(next(one for one in arguments if one is not type(None)), at)
    elif origin is tuple:
        yield from values(arguments[0], (*at, 0))
        yield from values(arguments[0], (*at, 1))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from fields(annotation, at)
    else:
        yield at


PLACES: Final = [*fields(CrmSettings, ("crm",)), *fields(FeedSettings, ("feed",))]


def with_variable(portal: Mapping[str, Any], place: tuple[Step, ...]) -> dict[str, Any]:
    """The portal file with `${WRONG}` at that place, twice where it is a list."""
    written: dict[str, Any] = deepcopy(dict(portal))
    node = written
    if place[0] == "feed":
        written["feed"] = {"url": "https://portal.example.com/feed", "secret": "${SIGNING}"}
    if "webhooks" in place:
        written["crm"]["webhooks"] = {"organization_id": "00D5g000004XXXX", "secret": "${SECRET}"}
    *way, last = [step for step in place if isinstance(step, str)]
    for step in way:
        node = node.setdefault(step, {})
    node[last] = ["${WRONG}", "${WRONG}"] if isinstance(place[-1], int) else "${WRONG}"
    return written


def test_the_places_are_those_that_variables_fill() -> None:
    assert {("crm", "auth", "token"), ("crm", "base_url"), ("crm", "webhooks", "organization_id"), ("feed", "events", 0)} <= set(PLACES)
    assert len(PLACES) > 20


@pytest.mark.parametrize("place", [place for place in PLACES if place[-1] != 1], ids=lambda place: ".".join(map(str, place)))
@pytest.mark.parametrize("portal", [SALESFORCE, HUBSPOT], ids=["salesforce", "hubspot"])
def test_a_variable_that_does_not_fit_is_named_and_its_value_is_not(
    env: Path, portal: Mapping[str, Any], place: tuple[Step, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (env / "config" / "portals" / "acme.yaml").write_text(json.dumps(with_variable(portal, place)))
    monkeypatch.setenv("SIGNING", "whsec_" + "A" * 32)
    for value in MISFITS:
        monkeypatch.setenv("WRONG", value)
        code, said = started(capfd, "portals", "list")
        assert CANARY not in said, said
        if code != DONE:
            assert code == NEEDS_A_PERSON, said
            assert "${WRONG}" in said or str(place[-1]) in said, said
            code, said = started(capfd, "run", "--port", "0")  # no portal can work, and so no process begins
            assert (code, CANARY in said) == (WRONG_USE, False), said
