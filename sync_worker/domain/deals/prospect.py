"""When two registrations are for one prospect: its name, or the company behind the contact's e-mail, compared as people would.

It is only ever a warning: two partners may rightly work one prospect, and nothing is merged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from sync_worker.domain.core.values import Value

LEGAL_FORMS: Final = frozenset(
    {
        "ab",
        "ag",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "inc",
        "incorporated",
        "limited",
        "llc",
        "ltd",
        "nv",
        "plc",
        "sa",
        "sarl",
        "spa",
    }
)
"""What stands behind a name and does not tell two companies apart."""

FREE_MAIL: Final = frozenset(
    {
        "aol.com",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "web.de",
        "yahoo.com",
        "yandex.ru",
    }
)
"""Where everybody may have an address: there the whole address is the contact, not its domain."""


def prospect_key(values: Mapping[str, Value]) -> str | None:
    """The prospect's name without case, accents, punctuation and legal form; None where it says nothing."""
    name = values.get("prospect_name")
    if not isinstance(name, str):
        return None
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign))
    words = re.findall(r"\w+", re.sub(r"[.'’]", "", bare))
    telling = [word for word in words if word not in LEGAL_FORMS] or words
    return " ".join(telling) or None


def contact_key(values: Mapping[str, Value]) -> str | None:
    """The company's domain of the contact's e-mail, the whole address where the domain is anybody's; None without one."""
    email = values.get("contact_email")
    if not isinstance(email, str) or email.count("@") != 1:
        return None
    address = email.strip().casefold()
    name, _, domain = address.partition("@")
    if not name or not domain.strip("."):
        return None
    return address if domain in FREE_MAIL else domain.removeprefix("www.").rstrip(".")
