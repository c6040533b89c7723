"""How each vendor spells an API name: what cannot be one, whatever the CRM has. Labels that people see are mistaken for them most often.

Source: Salesforce Object Reference, "Naming Conventions for Custom Fields"; HubSpot CRM API, "Properties" (internal names).
"""

from __future__ import annotations

import re

_PART = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_SUFFIXES = ("c", "pc", "s", "x", "e", "b", "mdt", "kav", "latitude", "longitude")
_INTERNAL = re.compile(r"[a-z0-9][a-z0-9_-]*")


def name_fault(crm: str, name: str) -> tuple[str, str] | None:
    """Why this is not an API name of the CRM, and what would be right; None where it may be one."""
    return _hubspot(name) if crm == "hubspot" else _salesforce(name)


def _salesforce(name: str) -> tuple[str, str] | None:
    what = f"{name!r} is not an API name"
    if "." in name:
        return what, "a field of another record cannot be read; make a formula field on this record that shows it, and name that one"
    *_, suffix = name.split("__")
    if suffix == "r":
        return f"{name!r} names a relationship", f"the field is {name.removesuffix('__r')}__c"
    parts = name.split("__")
    if len(parts) > 1 and suffix not in _SUFFIXES:
        return what, f"a custom field ends in two underscores and a small c: {'__'.join([*parts[:-1], 'c'])}"
    if re.search(r"[^_]_[cC]$", name):
        return what, f"a custom field ends in two underscores and a small c: {name[:-2]}__c"
    if len(parts) > 3 or not all(_PART.fullmatch(part) for part in parts):
        return what, "letters, digits and single underscores, as Setup → Object Manager shows it under Field Name: Portal_Status__c"
    return None


def _hubspot(name: str) -> tuple[str, str] | None:
    if _INTERNAL.fullmatch(name):
        return None
    return f"{name!r} is not an internal name", "small letters, digits and underscores, as Settings → Properties shows it: portal_status"
