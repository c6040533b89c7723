"""One notification to its address, and what the receiver said."""

import requests

TIMEOUT_S = 5  # the vendor's
_AGENT = "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client) - WebhooksExecutorDaemon-executor"


def send(url: str, body: bytes, headers: dict[str, str]) -> int | None:
    """The status of the answer, or None when there was none in time."""
    told = {"Content-Type": "application/json", "User-Agent": _AGENT, **headers}
    try:
        return requests.post(url, data=body, headers=told, timeout=TIMEOUT_S, allow_redirects=False).status_code
    except requests.RequestException:
        return None
