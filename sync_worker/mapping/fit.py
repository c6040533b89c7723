"""Whether a portal file and its mapping fit together: the CRM, the deal record, the fields and values its rules name, its spellings."""

from __future__ import annotations

from collections.abc import Iterator

from sync_worker.config.nodes import NodePath
from sync_worker.config.portal import Portal
from sync_worker.config.source import Source
from sync_worker.errors import Mistake
from sync_worker.mapping.grammar import FieldSpec, MappingFile, fields_of
from sync_worker.mapping.lint import sites_of
from sync_worker.mapping.vocabulary import PLACEHOLDERS
from sync_worker.nearest import choose_from

COMPANY_ITSELF = "name"  # a condition over the company itself binds to its id, so a new name ends nothing
CHECKBOX = ("true", "false")


def misfits(grammar: MappingFile, source: Source, portal: Portal) -> Iterator[Mistake]:
    """What each file says rightly, but not together."""
    if grammar.crm != portal.crm.kind:
        what = f"{portal.source.at(('crm', 'mapping'))} speaks {grammar.crm}, and this portal's CRM is {portal.crm.kind}"
        yield portal.source.mistake(("crm", "mapping"), what, f"name a mapping whose crm is {portal.crm.kind}")
        return
    named = [name for name in grammar.records.named() if name != "company"]
    if portal.deals.record not in named:
        what = f"the mapping has no record {portal.deals.record!r}"
        yield portal.source.mistake(("deals", "record"), what, choose_from(portal.deals.record, named))
    yield from _last_day(grammar, portal)
    yield from _rules(grammar, portal)
    yield from _spellings(grammar, source, portal)


def _rules(grammar: MappingFile, portal: Portal) -> Iterator[Mistake]:
    fields = fields_of(grammar.company)
    for index, rule in enumerate(portal.associations.rules):
        at: NodePath = ("associations", "rules", index)
        for side, conditions in (("partner", rule.partner), ("second_partner", rule.second_partner)):
            for field, words in conditions.items():
                here: NodePath = (*at, side, field)
                yield from _rule_field(portal, grammar, field, here)
                yield from _rule_values(portal, fields.get(field), field, words, here)
        for position, field in enumerate(rule.match):
            place: NodePath = (*at, "match", position)
            if field == COMPANY_ITSELF:
                yield portal.source.mistake(
                    place,
                    "partner and second partner are two companies, so their names never match",
                    "name companies under partner: {name: […]}",
                )
            else:
                yield from _rule_field(portal, grammar, field, place)


def _last_day(grammar: MappingFile, portal: Portal) -> Iterator[Mistake]:
    """A period gives last days, which the next read would take away again from a field that is only read."""
    period, spec = portal.deals.registration_period, grammar.deal.expires_on
    if (period.default or period.types) and spec and spec.direction == "pull":
        what = "the mapping only reads expires_on, so the CRM would never hear of the last day that a period gives"
        yield portal.source.mistake(
            ("deals", "registration_period"), what, "write direction: both at expires_on in the mapping", at_key=True
        )


def _rule_field(portal: Portal, grammar: MappingFile, field: str, here: NodePath) -> Iterator[Mistake]:
    """A rule may use the company itself, and own fields that are marked: what the domain knows itself decides otherwise who takes part."""
    fields, own = fields_of(grammar.company), grammar.company.attributes
    usable = [COMPANY_ITSELF, *(name for name, spec in own.items() if spec.rule_field)]
    if field in usable:
        return
    if field in own:
        what, remedy = f"rules may not use {field!r}", "mark it rule_field: true in the mapping"
    elif field in fields:
        what, remedy = f"rules may not use {field!r}", f"use a field under attributes: {', '.join(usable)}"
    else:
        what, remedy = f"a company has no field {field!r}", choose_from(field, usable)
    yield portal.source.mistake(here, what, remedy, at_key=True)


def _rule_values(portal: Portal, spec: FieldSpec | None, field: str, words: tuple[str, ...], here: NodePath) -> Iterator[Mistake]:
    """The words a condition lists must be portal values of the field; what the CRM lists is held against by `check`."""
    if spec is None or (spec.values is not None and spec.values.is_from_crm):
        return
    listed = [value for _, value in spec.values.pairs] if spec.values else list(CHECKBOX if spec.transform == "boolean" else ())
    for index, word in enumerate(words):
        if listed and word not in listed:
            yield portal.source.mistake((*here, index), f"{word!r} is not a value of {field}", choose_from(word, listed))


def _spellings(grammar: MappingFile, source: Source, portal: Portal) -> Iterator[Mistake]:
    """A placeholder must not turn into a native value that the same list already has."""
    values = portal.account_type_values
    for site in sites_of(grammar, source):
        pairs = site.spec.values.pairs if site.spec.values else ()
        natives = [native for native, _ in pairs]
        for mark, kind in PLACEHOLDERS.items():
            if mark in natives and values.get(kind) in natives:
                what = f"{mark} is {values[kind]!r} in this portal, which the list already has"
                yield site.mistake(("values", mark), what, "keep one of the two", at_key=True)
