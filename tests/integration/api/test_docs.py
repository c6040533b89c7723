"""The requests in docs/api.md, as they stand there, in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import requests

from tests.integration.api.desk import Desk
from tests.patience import HANG_S

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def requested(line: str, places: dict[str, str]) -> tuple[requests.PreparedRequest, int]:
    """The request that a line of curl is, and the status that is written behind it."""
    for name, value in places.items():
        line = line.replace(f"${name}", value)
    words, status = shlex.split(line, comments=True), re.search(r"# (\d{3})", line)
    assert words.pop(0) == "curl"
    assert status, line
    method, url, body, headers = "GET", "", None, {}
    files: dict[str, tuple[str, bytes]] | None = None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-F":
            field, _, name = words.pop(0).partition("=@")
            files = {field: (name, b"%PDF-1.7 a page")}
        elif word == "-o":
            words.pop(0)
        elif word == "--json":
            body, headers["Content-Type"] = words.pop(0), "application/json"
        else:
            url = word
    return requests.Request(method, url, headers=headers, data=body, files=files).prepare(), int(status[1])


def test_every_request_of_the_page_is_answered_as_it_says(acme: Desk) -> None:
    places = {"TOKEN": acme.with_token("read", "write", "operate").token}
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL) for line in block.splitlines() if line]
    assert sum(line.startswith("curl") for line in lines) > 8
    for line in lines:
        if line.startswith("API="):
            places["API"] = line.removeprefix("API=").replace("http://127.0.0.1:8080", acme.url)
            continue
        request, status = requested(line, places)
        answer = acme.session.send(request, timeout=HANG_S)
        assert answer.status_code == status, (line, answer.text)
        for name, address in (("DEAL", "/deals "), ("NOTE", "/notes "), ("FILE", "/files ")):
            if status == 201 and address in line:
                places[name] = answer.json()["id"]
        if "/notifications?" in line:
            places["NOTIFICATION"] = answer.json()["items"][0]["id"]
