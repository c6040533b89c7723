"""Texts whose values are known by name: clients get them as enums.

A later version may answer with a code that is new, so such a field takes any text and names the enum of those that are known today.
`document` puts the enums there.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field

KNOWN: Final = "x-known"
"""The key under which the schema of a field names its enum, until the document is completed."""

ProblemCode: TypeAlias = Annotated[str, Field(json_schema_extra={KNOWN: "ProblemCode"})]
Code: TypeAlias = Annotated[str, Field(json_schema_extra={KNOWN: "Code"})]
NoticeTopic: TypeAlias = Annotated[str, Field(json_schema_extra={KNOWN: "NoticeTopic"})]
EventType: TypeAlias = Annotated[str, Field(json_schema_extra={KNOWN: "EventType"})]
