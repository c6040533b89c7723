"""Ids that are computed: the same as everybody's uuid5 would be, for ever."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.steps.core.tenant import identity_of

SPACE = uuid.UUID("5b1f6a5e-3d0c-4f57-9a53-6f0a2a7f4c11")  # written here again: another one would double every record


@given(name=st.text(st.characters(codec="utf-8")))
def test_an_id_is_the_uuid5_of_its_name(name: str) -> None:
    assert identity_of(name) == str(uuid.uuid5(SPACE, name))
