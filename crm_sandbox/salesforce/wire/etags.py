"""Entity tags: a digest, and `--gzip` behind it when the answer travels zipped. One and the same record either way."""

from hashlib import sha256

import orjson


def tag_of(value: object) -> str:
    """A tag that changes with the value."""
    return f'"{sha256(orjson.dumps(value)).hexdigest()[:40]}"'


def zipped(tag: str) -> str:
    """The tag of the zipped answer."""
    return f'{tag.removesuffix(chr(34))}--gzip"'


def is_among(tag: str, header: str) -> bool:
    """Whether a conditional header lists the tag, in either form, or is `*`."""
    listed = {one.strip().removeprefix("W/").replace("--gzip", "") for one in header.split(",")}
    return "*" in listed or tag in listed
