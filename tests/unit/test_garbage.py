"""The memory of a process."""

from __future__ import annotations

import os

from sync_worker.garbage import keep_one_heap


def test_glibc_keeps_one_heap_and_other_c_libraries_are_left_alone() -> None:
    is_glibc = "CS_GNU_LIBC_VERSION" in os.confstr_names and str(os.confstr("CS_GNU_LIBC_VERSION")).startswith("glibc")
    assert keep_one_heap() == is_glibc
