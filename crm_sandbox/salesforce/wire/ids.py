"""Record ids: 15 characters that tell upper from lower case, or the same with 3 characters of checksum.

Source: https://help.salesforce.com/s/articleView?id=000385585 (15 to 18 characters); checked against recorded ids.
"""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_INSTANCE = "Sb"  # two characters of the org's instance, as every id of one org has them
_SERIAL_LENGTH = 9
_ALLOWED = frozenset(ALPHABET)


def checksum(id15: str) -> str:
    """The three characters that make 15 into 18: one per five, a bit per capital."""
    return "".join(
        _CHECK[sum(1 << place for place, char in enumerate(id15[start : start + 5]) if "A" <= char <= "Z")] for start in (0, 5, 10)
    )


def make_id(prefix: str, serial: int) -> str:
    """The 18-character id of the org's `serial`-th record of a kind; ids sort as serials do."""
    digits = ""
    while serial:
        serial, rest = divmod(serial, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    id15 = f"{prefix}{_INSTANCE}0{digits.rjust(_SERIAL_LENGTH, '0')}"
    return id15 + checksum(id15)


def to_18(text: str) -> str | None:
    """The 18-character form of an id given in either form, or None for what is not an id.

    18 characters are case-safe: letters whose case was lost on the way are put right from the checksum.
    """
    if len(text) not in (15, 18) or not _ALLOWED.issuperset(text):
        return None
    if len(text) == 15:
        return text + checksum(text)
    check = text[15:].upper()
    if any(char not in _CHECK for char in check):
        return None
    id15 = "".join(
        char.upper() if _CHECK.index(check[place // 5]) >> (place % 5) & 1 else char.lower() for place, char in enumerate(text[:15])
    )
    return id15 + check if checksum(id15) == check else None
