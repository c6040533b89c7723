"""What every answer says to caches and browsers; where no address redirects; and a page of the API that loads nothing from elsewhere."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.integration.api.desk import Desk
from tests.patience import HANG_S

PATHS = ["/portals/acme/users", "/portals/acme/nothing", "/nothing", "/health/live", "/openapi.json", "/codes/bug", "/docs", "/redoc"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_answer_is_kept_by_a_cache_or_taken_for_another_type(shared: Desk, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {shared.token}"}):
        answer = shared.session.request(method, f"{shared.url}{path}", headers=headers, timeout=HANG_S)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/salesforce/acme/secret/",
        "/webhooks/hubspot/acme/",
        "/portals/acme/deals/",
        "/portals/acme/users/",
        "/health/live/",
        "//x/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_leads_elsewhere(shared: Desk, method: str, path: str) -> None:
    answer = shared.session.request(
        method, f"{shared.url}{path}", data=b"secret", headers={"Host": "evil.example"}, allow_redirects=False, timeout=HANG_S
    )
    assert answer.status_code == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_page_of_the_api_comes_whole_from_this_server(shared: Desk, page: str) -> None:
    # Given the page
    found = requests.get(f"{shared.url}{page}", timeout=HANG_S)
    assert found.status_code == 200
    # When everything that it loads is looked at
    loaded = re.findall(r"""(?:src|href|url|spec-url)\s*[=:]\s*["']([^"']+)["']""", found.text)
    assert len(loaded) >= 3
    for address in loaded:
        # Then it is of this server, and there
        whole = urljoin(found.url, address)
        assert urlsplit(whole).netloc == urlsplit(shared.url).netloc, address
        assert requests.get(whole, timeout=HANG_S).status_code == 200, address
    assert "cdn" not in found.text
    assert "googleapis" not in found.text
