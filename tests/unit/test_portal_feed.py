"""`feed:` in a portal file: what it gives, and what each mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.domain.tell.event import KINDS
from sync_worker.errors import ConfigError

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBwb3J0YWwncyByZWNlaXZlciE="
ENVIRON = {"ID": "id", "CRM_SECRET": "s3cret", "FEED": SECRET, "SHORT": "whsec_c2hvcnQ="}
FILE = """\
portal: acme
crm:
  kind: salesforce
  mapping: salesforce.yaml
  auth: {flow: client_credentials, domain: acme.my, client_id: "${ID}", client_secret: "${CRM_SECRET}"}
feed:
"""


def load(tmp_path: Path, feed: str) -> Portal:
    path = tmp_path / "acme.yaml"
    path.write_text(f"{FILE}  {feed}\n")
    return load_portal(path, ENVIRON)


def test_a_feed_needs_an_address_and_a_secret_and_wants_everything(tmp_path: Path) -> None:
    feed = load(tmp_path, 'url: https://portal.example.com/events\n  secret: "${FEED}"').feed
    assert feed
    assert feed.secret.get_secret_value() == SECRET
    assert (feed.events, feed.keep_s) == (tuple(KINDS), 30 * 86_400)


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        ('{url: "https://a.example", secret: "${FEED}", events: [deal.chnged]}', "feed.events[0]: there is no event 'deal.chnged'"),
        ('{url: "https://a.example", secret: "${FEED}", keep: 2d}', "7d or more"),
        ('{url: "https://a.example", secret: "${SHORT}"}', "feed.secret: is not a secret of Standard Webhooks"),
        ('{url: "http://a.example", secret: "${NOWHERE}"}', "the environment variable NOWHERE is not set"),
        ('{url: "https://a.example", secret: "${FEED}", previous_secret: "${SHORT}"}', "feed.previous_secret: is not a secret of Standard"),
        ('{url: "https://a.example", secret: "${FEED}", previous_secret: "${FEED}"}', "is the same secret as feed.secret"),
        (f'{{url: "https://a.example", secret: "${{FEED}}", previous_secret: "{SECRET}"}}', "a secret must not stand in the file"),
        (f'{{url: "https://a.example", secret: "{SECRET}"}}', "a secret must not stand in the file"),
        ('{url: "http://a.example", secret: "${FEED}"}', "plain http is for loopback only"),
        ('{secret: "${FEED}"}', "feed: 'url' is missing"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_what_would_be_right(tmp_path: Path, feed: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, feed)
    words = "\n".join(map(str, caught.value.mistakes))
    assert said in words
    assert "acme.yaml:7:" in words or "acme.yaml:6:" in words
    assert SECRET not in words
