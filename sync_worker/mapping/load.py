"""A mapping file and a portal's overrides → grammar, or every mistake at once, each with its place.

An override replaces one node of the file, by its dotted path; a mistake in it points into the file it was written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sync_worker.config.nodes import NodePath
from sync_worker.config.portal import CrmKind, Portal
from sync_worker.config.source import Reader, Source, dotted, in_order, read_source
from sync_worker.config.validation import shown, validated
from sync_worker.domain.core.stamp import DISTRIBUTOR
from sync_worker.errors import ConfigError, Mistake, Place
from sync_worker.mapping.fit import misfits
from sync_worker.mapping.grammar import CompanyFields, DealFields, FieldSpec, MappingFile
from sync_worker.mapping.lint import lint
from sync_worker.nearest import choose_from, did_you_mean

ATTRIBUTE = 3  # steps to an attribute: company.attributes.region
OVERRIDABLE = ("records", "company", "deal", "wire")


@dataclass(frozen=True, slots=True)
class LoadedMapping:
    """A mapping that passed: its grammar, and the text it came from with the overrides grafted in.

    **Shapes** `notes`: what is right, and may yet be meant otherwise.
    """

    grammar: MappingFile
    source: Source
    source_path: str
    notes: tuple[Mistake, ...] = ()


def load_mapping(path: Path, portal: Portal | None = None, *, read: Reader = read_source) -> LoadedMapping:
    """The file as the portal overrides it.

    **Shapes** `read`: what gives the file.
    **Raises** ConfigError: every mistake, in the file and in the overrides.
    """
    source = read(path)
    if portal is None:
        return loaded(source, str(path))
    notes = tuple(_new_attributes(source, portal))
    source, mistakes = overridden(source, portal.overrides, origin=portal.source, at=("overrides",))
    return replace(loaded(source, str(path), mistakes=mistakes, portal=portal), notes=notes)


def _new_attributes(source: Source, portal: Portal) -> Iterator[Mistake]:
    """The overrides that make an attribute which the mapping does not have: a name that was misspelled looks just so."""
    for path_text, value in portal.overrides.items():
        path = tuple(path_text.split("."))
        if len(path) == ATTRIBUTE and path[1] == "attributes" and value is not None and path not in source.places:
            near = did_you_mean(path[2], list(source.at(path[:2]) or ()))
            what = f"makes a new attribute of the {path[0]}, {path[2]!r}"
            yield portal.source.mistake(("overrides", path_text), what, near or "it is not in the mapping", at_key=True)


def load_for_portal(portal: Portal, mappings_dir: Path, *, read: Reader = read_source) -> LoadedMapping:
    """The mapping that the portal names.

    **Shapes** `read`: what gives the file.
    **Raises** ConfigError: every mistake; or there is no such file.
    """
    path = mappings_dir / portal.crm.mapping
    if not path.is_file():
        there = sorted(file.name for file in mappings_dir.glob("*.yaml"))
        written = portal.source.at(("crm", "mapping"))
        remedy = choose_from(written, there) if there else f"{mappings_dir} holds no mapping"
        raise ConfigError([portal.source.mistake(("crm", "mapping"), f"{mappings_dir / written} does not exist", remedy)])
    mapping = load_mapping(path, portal, read=read)
    if not portal.two_tier:
        return replace(mapping, grammar=_single_tier(mapping.grammar))
    return replace(mapping, grammar=_by_rules(mapping.grammar)) if portal.associations.mode == "rules" else mapping


def _by_rules(grammar: MappingFile) -> MappingFile:
    """Where rules make associations, a CRM needs no field of contracts; one that has it shows a subgroup's parent there."""
    field = grammar.company.second_partners
    if field is None:
        return grammar
    company = grammar.company.model_copy(update={"second_partners": field.model_copy(update={"optional": True})})
    return grammar.model_copy(update={"company": company})


def _single_tier(grammar: MappingFile) -> MappingFile:
    """Without second partners there is no field that speaks of them: nothing is read, written or asked for."""
    company = grammar.company.model_copy(update={"second_partners": None})
    deal = grammar.deal.model_copy(update=dict.fromkeys(("second_partner", "distributor_approval", *DISTRIBUTOR)))
    return grammar.model_copy(update={"company": company, "deal": deal})


def loaded(source: Source, source_path: str, *, mistakes: tuple[Mistake, ...] = (), portal: Portal | None = None) -> LoadedMapping:
    """The source as grammar, linted.

    **Raises** ConfigError: every mistake, the given ones first.
    """
    try:
        grammar = validated(MappingFile, source)
    except ConfigError as error:
        raise ConfigError(in_order([*mistakes, *error.mistakes, *_beside(source)])) from None
    found = [*mistakes, *lint(grammar, source), *(misfits(grammar, source, portal) if portal else ())]
    if found:
        raise ConfigError(in_order(found))
    return LoadedMapping(grammar, source, source_path)


def _beside(source: Source) -> list[Mistake]:
    """What lint says of the fields that are right by themselves, so that a person sees all mistakes in one go."""
    crm = source.at(("crm",))
    frame = {"version": "1", "crm": crm if crm in get_args(CrmKind) else get_args(CrmKind)[0]}
    unread = [(key,) for key in source.data if key in frame or key not in ("wire", "records", "company", "deal")]
    models: dict[str, type[BaseModel]] = {"company": CompanyFields, "deal": DealFields}
    wrong = [
        path for section, model in models.items() for path in _field_paths(source, section) if not _is_field(source.at(path), path, model)
    ]
    kept = source.pruned(*unread, *wrong)
    try:
        return lint(validated(MappingFile, kept, data=frame | kept.data), kept, is_whole=False)
    except ConfigError:
        return []  # the frame itself is wrong: its own mistakes come first


def _field_paths(source: Source, section: str) -> list[NodePath]:
    part = source.at((section,))
    attributes = source.at((section, "attributes"))
    own = [(section, name) for name in part if name != "attributes"] if isinstance(part, dict) else []
    return [*own, *((section, "attributes", name) for name in attributes)] if isinstance(attributes, dict) else [*own]


def _is_field(node: Any, path: NodePath, model: type[BaseModel]) -> bool:
    try:
        FieldSpec.model_validate(node)
    except ValidationError:
        return False
    return len(path) > 2 or path[1] in model.model_fields


def overridden(source: Source, overrides: Mapping[str, Any], *, origin: Source, at: NodePath) -> tuple[Source, tuple[Mistake, ...]]:
    """The source with each override in its place (`null` takes the key away), and what is wrong with the overrides themselves.

    **Shapes** `at`: where the overrides stand in `origin`.
    """
    mistakes: list[Mistake] = []
    for path_text, value in overrides.items():
        here: NodePath = (*at, path_text)
        path = tuple(path_text.split("."))
        fault = _fault(source, path, value)
        if fault:
            mistakes.append(origin.mistake(here, *fault, at_key=True))
        elif value is None:
            source = source.pruned(path)
        else:
            places, keys = origin.beneath(here)
            source = _rooted(source, path, origin.key_place(here)).grafted(path, value, places=places, keys=keys)
    return source, tuple(mistakes)


def _fault(source: Source, path: tuple[str, ...], value: Any) -> tuple[str, str] | None:
    if path[0] not in OVERRIDABLE or len(path) < 2 or not all(path):
        what = f"{'.'.join(path)!r} is not a path into the mapping"
        near = did_you_mean(path[0], OVERRIDABLE)
        return what, f"{near} begin with {', '.join(OVERRIDABLE)}: company.name.native".lstrip()
    for length in range(1, len(path)):
        parent = source.at(path[:length])
        if parent is not None and not isinstance(parent, dict):
            return f"{dotted(path[:length])} is {shown(parent)}, not a mapping", f"override {dotted(path[:length])} as a whole"
    if len(path) > ATTRIBUTE and path[1] == "attributes" and path[:ATTRIBUTE] not in source.places:
        near = did_you_mean(path[2], list(source.at(path[:2]) or ()))
        whole = f"a new attribute is written whole: {dotted(path[:ATTRIBUTE])}: {{native: …}}"
        return f"the mapping has no attribute {path[2]!r}", f"{near} {whole}".lstrip()
    if value is None and path not in source.places:
        parent = source.at(path[:-1])
        there = sorted(parent) if isinstance(parent, dict) else []
        return "there is nothing here to remove", choose_from(path[-1], there) if there else ""
    return None


def _rooted(source: Source, path: NodePath, place: Place) -> Source:
    """Parents that the override makes stand where the override stands."""
    made = {path[:length]: place for length in range(1, len(path)) if path[:length] not in source.places}
    return Source(source.file, source.data, {**source.places, **made}, {**source.keys, **made})
