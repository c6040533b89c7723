"""One message to its address, and whether it was taken: 200, and an envelope that says so."""

import requests

from crm_sandbox.xml_text import BadXml, texts_by_name

TIMEOUT_S = 60  # the vendor's
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "User-Agent": "SFDC-Callout/62.0"}


def send(url: str, message: bytes) -> bool:
    """Post a message; whether the receiver has acknowledged it."""
    try:
        answer = requests.post(url, data=message, headers=_HEADERS, timeout=TIMEOUT_S, allow_redirects=False)
        return answer.status_code == 200 and texts_by_name(answer.content).get("Ack") == "true"
    except (requests.RequestException, BadXml):
        return False
