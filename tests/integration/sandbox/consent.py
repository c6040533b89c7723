"""A person on a vendor's page, who presses a button."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.patience import HANG_S


def press(url: str, answer: str, asked: Mapping[str, str]) -> requests.Response:
    """What the vendor says to the button; the page itself where it has none. **Shapes** `answer`: allow | deny."""
    page = requests.get(url, params=asked, timeout=HANG_S, allow_redirects=False)
    if page.status_code != 200:
        return page
    fields = dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', page.text))
    return requests.post(url.partition("?")[0], data=fields | {"answer": answer}, timeout=HANG_S, allow_redirects=False)


def said(answer: requests.Response, back: str) -> dict[str, str]:
    """What the address says to which the browser is sent back."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(back)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
