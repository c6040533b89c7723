"""A portal that cannot work answers 503, so that its CRM sends again; the other one is served, read and written, in the same process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from sync_worker.store.core import runs
from tests.integration.web.conftest import HOOK, NONE, Answer, Doorstep, doorstep, event, installed, message
from tests.journey.stage import Installation
from tests.patience import HANG_S, until

ACCOUNT = "0015g00000AAAAACA5"
OTHER = {"acme": "globex", "globex": "acme"}
HOOKS = {"acme": "ACME_SF_HOOK", "globex": "ACME_HS_HOOK"}
Spoil = Callable[[Installation, str], str]


def unset_secret(installation: Installation, portal: str) -> str:
    installation.more_env[HOOKS[portal]] = ""
    return f"the environment variable {HOOKS[portal]} is not set"


def broken_file(installation: Installation, portal: str) -> str:
    path = file_of(installation, portal)
    path.write_text(path.read_text().replace("two_tier: true", "two_tier: maybe"))
    return "must be true or false, not 'maybe'"


def file_of(installation: Installation, portal: str) -> Path:
    return installation.folder / "config" / "portals" / f"{portal}.yaml"


def tell(door: Doorstep, portal: str) -> Answer:
    """What its CRM would send."""
    if portal == "acme":
        return door.tell_salesforce(message(ACCOUNT))
    return door.tell_hubspot(orjson.dumps([event("company.propertyChange", 501)]))


def forge(door: Doorstep, portal: str) -> Answer:
    """What proves nothing."""
    return door.tell_salesforce(message(ACCOUNT), secret="x") if portal == "acme" else door.post("hubspot/globex", b"[]")


def read(door: Doorstep, portal: str) -> set[str]:
    """What has been read of the portal."""
    with door.store.reading(portal) as tx:
        return {run.object for run in runs.listed(tx, limit=None) if run.verb == "pull"}


@dataclass
class Desk:
    """A portal's back end."""

    portal: str
    token: str

    def asks(self, door: Doorstep, *, token: str | None = None) -> Answer:
        given = self.token if token is None else token
        headers = {"Authorization": f"Bearer {given}"} if given else NONE
        return requests.get(f"{door.url}/portals/{self.portal}/companies", headers=headers, timeout=HANG_S)


def desk(installation: Installation, portal: str) -> Desk:
    made: Any = installation.asks("tokens", "create", portal, "--scope", "read")
    return Desk(portal, made["token"])


@pytest.mark.parametrize(("spoil", "portal"), list(zip([unset_secret, broken_file], OTHER, strict=True)))
def test_the_disabled_portal_says_503_and_the_other_one_is_served_and_read(
    spoil: Spoil, portal: str, tmp_path: Path, urls: dict[str, str], database_url: str
) -> None:
    # Given two portals with tokens, one of which cannot work
    installation = installed(tmp_path, urls, database_url)
    desks = {name: desk(installation, name) for name in OTHER}
    written, env = file_of(installation, portal).read_text(), dict(installation.more_env)
    said = spoil(installation, portal)
    # when everything runs
    with doorstep(installation, "run") as door:
        # then the log names what is wrong
        assert portal in door.awaits("this portal is disabled; the others go on", 0)
        assert said in door.told()
        # and its CRM is told to send again, whatever it sends; so is its back end, once it has proven who it is
        for answer in (tell(door, portal), forge(door, portal)):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300")
            assert ("<Ack>false</Ack>" in answer.text) == (portal == "acme")
        answer = desks[portal].asks(door)
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "portal_disabled", "300")
        assert desks[portal].asks(door, token="").status_code == 401
        assert desks[portal].asks(door, token=desks[OTHER[portal]].token).status_code == 401
        # and the other portal is served, notified and read
        assert desks[OTHER[portal]].asks(door).status_code == 200
        assert tell(door, OTHER[portal]).status_code in (200, 204)
        until(lambda: "company" in read(door, OTHER[portal]), what="the other portal is read")
        assert read(door, portal) == set()
        assert requests.get(f"{door.url}/health/ready", timeout=HANG_S).status_code == 200
        assert HOOK not in door.told()
    # when it is corrected and the process begins again
    file_of(installation, portal).write_text(written)
    installation.more_env.update(env)
    with doorstep(installation, "web") as door:
        # then what is sent again is taken
        assert tell(door, portal).status_code in (200, 204)
        assert desks[portal].asks(door).status_code == 200


def test_no_process_begins_where_no_portal_can_work(tmp_path: Path, urls: dict[str, str], sqlite_url: str) -> None:
    installation = installed(tmp_path, urls, sqlite_url)
    said = [unset_secret(installation, "acme"), broken_file(installation, "globex")]
    for name in ("web", "run"):
        answer = installation.command(name, code=2)
        assert all(words in answer.err for words in said), answer.err
