"""`mail:` in a portal file: what it gives, and what each mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.domain.tell.notification import Topic
from sync_worker.errors import ConfigError

FILE = """\
portal: acme
crm:
  kind: salesforce
  mapping: salesforce.yaml
  auth: {flow: client_credentials, domain: acme.my, client_id: "${ID}", client_secret: "${ID}"}
"""


def load(tmp_path: Path, mail: str = "") -> Portal:
    path = tmp_path / "acme.yaml"
    path.write_text(FILE + (f"mail: {mail}\n" if mail else ""))
    return load_portal(path, {"ID": "id"})


def test_without_a_word_of_it_every_notice_is_switched_on(tmp_path: Path) -> None:
    mail = load(tmp_path).mail
    assert (mail.notices, mail.deal_url, mail.remind_before, mail.remind_waiting) == (tuple(Topic), None, (14, 3), (3, 7))


def test_each_notice_has_its_switch_and_reminders_their_days(tmp_path: Path) -> None:
    mail = load(
        tmp_path, "{notices: [deal_registered], deal_url: 'https://a.example/#/deals/{id}', remind_before: [30], remind_waiting: []}"
    ).mail
    assert (mail.notices, mail.remind_before, mail.remind_waiting) == (("deal_registered",), (30,), ())
    assert load(tmp_path, "{notices: []}").mail.notices == ()


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ("{notices: [deal_updatd]}", "mail.notices[0]: there is no notice 'deal_updatd'"),
        ("{deal_url: https://a.example/deals}", "mail.deal_url: does not lead to a deal"),
        ("{remind_before: [soon]}", "mail.remind_before[0]"),
        ("{remind: [3]}", "mail.remind"),
    ],
)
def test_every_mistake_is_said_with_its_place(tmp_path: Path, mail: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, mail)
    assert said in str(refused.value)
