"""What a person may upload: how large, and of which type. The first bytes say what a file is; its name only has to agree.

A name is kept for people and never becomes a path. Sizes and types of agreements are `AGREEMENT`, those of files on deals `DEAL_FILE`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sync_worker.domain.core.deal import Refusal

HEAD_BYTES: Final = 16  # enough to know every type below
MOST_NAME: Final = 200  # characters of a name that are kept


@dataclass(frozen=True, slots=True)
class FileType:
    """One type of file. **Shapes** `begins`: its first bytes; `endings`: of names, lower case."""

    media_type: str
    begins: bytes
    endings: tuple[str, ...]


PDF: Final = FileType("application/pdf", b"%PDF-", (".pdf",))
PNG: Final = FileType("image/png", b"\x89PNG\r\n\x1a\n", (".png",))
JPEG: Final = FileType("image/jpeg", b"\xff\xd8\xff", (".jpg", ".jpeg"))


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What is taken. **Units** `most_bytes`."""

    most_bytes: int
    types: tuple[FileType, ...]

    @property
    def endings(self) -> tuple[str, ...]:
        return tuple(ending for known in self.types for ending in known.endings)


AGREEMENT: Final = UploadLimits(20 * 1024 * 1024, (PDF, PNG, JPEG))  # a scan of twenty pages is some 10 MB
"""A signed agreement: a PDF, or a scan."""
DEAL_FILE: Final = AGREEMENT
"""A file on a deal: the same types and the same size."""


def type_of(head: bytes, name: str, limits: UploadLimits) -> FileType | Refusal:
    """What the file is, by its first bytes, or why it is not taken."""
    who = f"a file that ends in {', '.join(limits.endings)}"
    if not head:
        return Refusal("file_empty", f"{name} is empty", who, limits.endings, "file")
    found = next((known for known in limits.types if head.startswith(known.begins)), None)
    if found is None:
        return Refusal("file_type_unknown", f"{name} is not of a type that is accepted", who, limits.endings, "file")
    if not name.lower().endswith(found.endings):
        return Refusal("file_type_not_as_named", f"{name} is {found.media_type} by its content", who, found.endings, "file")
    return found


def size_refusal(size_bytes: int, limits: UploadLimits) -> Refusal | None:
    """Why so many bytes are too many."""
    if size_bytes <= limits.most_bytes:
        return None
    most = f"{limits.most_bytes / 1024**2:g} MB"
    return Refusal("file_too_large", f"the file is larger than {most}", f"a file of at most {most}")


def shown_name(name: str) -> str:
    """The name as it is kept and shown: without folders and control characters, and not endless."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", last).strip()[-MOST_NAME:] or "unnamed"
