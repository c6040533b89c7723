"""What is wrong with a mapping although its grammar is right: names that do not exist, lists that contradict, two fields writing one.

Each rule is a generator of mistakes over one field, one record or the whole file; `lint` runs them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC

from sync_worker.config.api_names import name_fault
from sync_worker.config.nodes import NodePath
from sync_worker.config.source import Source
from sync_worker.errors import Mistake
from sync_worker.mapping.grammar import EVERY_RECORD, CompanyFields, DealFields, FieldSpec, MappingFile
from sync_worker.mapping.transforms import Kind, ValueMistake, WireForm, kind_of, transform_named
from sync_worker.mapping.vocabulary import KIND_BY_FIELD, PLACEHOLDERS, TRANSFORM_BY_KIND, RecordKind, domain_values
from sync_worker.nearest import choose_from, did_you_mean

PLACEHOLDER = re.compile(r"\$(vendor|partner|second_partner)\b")
LISTLESS: tuple[Kind, ...] = ("decimal", "date", "reference")  # kinds without a list of values
NEEDED = ("name", "portal_status")  # without them no company ever enters the portal


@dataclass(frozen=True, slots=True)
class Site:
    """One field and where it stands."""

    grammar: MappingFile
    source: Source
    section: RecordKind
    name: str
    spec: FieldSpec
    is_attribute: bool

    @property
    def path(self) -> NodePath:
        """The field's path in the file."""
        return (self.section, "attributes", self.name) if self.is_attribute else (self.section, self.name)

    @property
    def kind(self) -> Kind:
        """The kind of value its transform gives."""
        return kind_of(self.spec.transform or "text") or "text"

    @property
    def domain(self) -> tuple[str, ...] | None:
        """The domain's closed list for it, if any."""
        return None if self.is_attribute else domain_values(self.section, self.name)

    def mistake(self, key: str | tuple[str | int, ...], what: str, remedy: str = "", *, at_key: bool = False) -> Mistake:
        """A mistake at a key of the field; `""` is the field itself."""
        steps = key if isinstance(key, tuple) else (key,) if key else ()
        return self.source.mistake((*self.path, *steps), what, remedy, at_key=at_key)


def lint(grammar: MappingFile, source: Source, *, is_whole: bool = True) -> list[Mistake]:
    """Every mistake that the grammar cannot say. **Shapes** `is_whole`: false where wrong fields were taken out beforehand."""
    sites = list(sites_of(grammar, source))
    mistakes = [mistake for site in sites for rule in FIELD_RULES for mistake in rule(site)]
    whole = (*_needed(grammar, source), *_examples(grammar, source)) if is_whole else ()
    return [*_records(grammar, source), *mistakes, *_double_writes(sites), *whole]


def sites_of(grammar: MappingFile, source: Source) -> Iterator[Site]:
    """Every mapped field with its place, attributes included."""
    sections: tuple[tuple[RecordKind, CompanyFields | DealFields], ...] = (("company", grammar.company), ("deal", grammar.deal))
    for section, part in sections:
        for name in type(part).model_fields:
            spec = getattr(part, name)
            if isinstance(spec, FieldSpec):
                yield Site(grammar, source, section, name, spec, is_attribute=False)
        for name, spec in part.attributes.items():
            yield Site(grammar, source, section, name, spec, is_attribute=True)


# ── the whole file ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _records(grammar: MappingFile, source: Source) -> Iterator[Mistake]:
    named = grammar.records.named()
    deals = [name for name in named if name != "company"]
    if "company" not in named:
        yield source.mistake(("records",), "'company' is missing", "add company: {native: …, key: …}", at_key=True)
    if not deals and any(site.section == "deal" for site in sites_of(grammar, source)):
        yield source.mistake(("records",), "no record stands behind a deal", "add lead, opportunity or deal", at_key=True)
    for name, spec in named.items():
        target = spec.converts_to
        if target is not None and (target not in deals or target == name or name == "company"):
            others = [other for other in deals if other != name]
            what = f"{target!r} is not another deal record of this file"
            yield source.mistake(("records", name, "converts_to"), what, choose_from(target, others) if others else "")
        for key in ("native", "key"):
            yield from _api_name(grammar, source, ("records", name, key), getattr(spec, key))
        for native, constant in spec.on_create.items():
            yield from _api_name(grammar, source, ("records", name, "on_create", native), native, at_key=True)
            yield from _placeholder(source, ("records", name, "on_create", native), constant)


def _api_name(grammar: MappingFile, source: Source, path: NodePath, name: str, *, at_key: bool = False) -> Iterator[Mistake]:
    if fault := name_fault(grammar.crm, name):
        yield source.mistake(path, *fault, at_key=at_key)


def _needed(grammar: MappingFile, source: Source) -> Iterator[Mistake]:
    for name in NEEDED:
        if getattr(grammar.company, name) is None:
            yield source.mistake(("company",), f"{name!r} is missing", f"add {name}: {{native: …}}", at_key=True)


def _examples(grammar: MappingFile, source: Source) -> Iterator[Mistake]:
    named = list(grammar.records.named())
    for index, example in enumerate(grammar.examples):
        if example.record not in named:
            what = f"this file has no record {example.record!r}"
            yield source.mistake(("examples", index, "record"), what, choose_from(example.record, named))
        if example.native is None and example.create is None:
            remedy = "add native (a read) or create (a write)"
            yield source.mistake(("examples", index), "says nothing to compare", remedy)


def _double_writes(sites: list[Site]) -> Iterator[Mistake]:
    """Two of our fields must not write one native field of one record: the later would win silently."""
    writers: dict[tuple[str, str], Site] = {}
    for site in sites:
        if site.spec.direction == "pull":
            continue
        for record in _records_of(site):
            target = site.spec.native_on(record) or f"association {site.spec.association}"
            first = writers.setdefault((record, target), site)
            if first is not site:
                key = "native" if site.spec.native else "association"
                what = f"{first.name} already writes {target} on {record}"
                yield site.mistake(key, what, "make one of them direction: pull, or give it a field of its own")
                break


def _records_of(site: Site) -> list[str]:
    """The records on which the field exists."""
    kind = [name for name in site.grammar.records.named() if (name == "company") == (site.section == "company")]
    return [name for name in kind if site.spec.association or site.spec.native_on(name)]


# ── one field ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _attribute_name(site: Site) -> Iterator[Mistake]:
    part = site.grammar.company if site.section == "company" else site.grammar.deal
    if site.is_attribute and site.name in type(part).model_fields:
        what = f"{site.name!r} is a field of every {site.section}, not an attribute"
        yield site.mistake("", what, f"move it to {site.section}.{site.name}, or choose another name", at_key=True)
    if site.is_attribute and (not site.name.strip() or "." in site.name):
        yield site.mistake("", f"{site.name!r} is not an attribute name", "use letters, digits and _", at_key=True)


def _one_home(site: Site) -> Iterator[Mistake]:
    spec = site.spec
    if (spec.native is None) == (spec.association is None):
        what = "has neither native nor association" if spec.native is None else "has both native and association"
        yield site.mistake("", what, "give exactly one: native: X, native: {record: X} or association: LABEL", at_key=True)


def _native_records(site: Site) -> Iterator[Mistake]:
    fitting = [name for name in site.grammar.records.named() if (name == "company") == (site.section == "company")]
    for record in site.spec.native or {}:
        if record != EVERY_RECORD and record not in fitting:
            what = f"no {site.section} record is named {record!r}"
            yield site.mistake(("native", record), what, choose_from(record, fitting), at_key=True)


def _native_names(site: Site) -> Iterator[Mistake]:
    for record, name in (site.spec.native or {}).items():
        key: NodePath = ("native",) if record == EVERY_RECORD else ("native", record)
        yield from _api_name(site.grammar, site.source, (*site.path, *key), name)


def _fitting_transform(site: Site) -> Iterator[Mistake]:
    wanted = "text" if site.is_attribute else KIND_BY_FIELD[site.section].get(site.name, "text")
    if not site.is_attribute and site.kind != wanted:
        what = f"{site.name} holds {_A_KIND[wanted]}, and {_said(site)} gives {_A_KIND[site.kind]}"
        yield site.mistake("transform" if site.spec.transform else "", what, f"transform: {TRANSFORM_BY_KIND[wanted]}")
    elif site.spec.association and site.kind != "reference":
        yield site.mistake("association", "an association holds a company", "transform: company_ref")


def _values(site: Site) -> Iterator[Mistake]:
    values = site.spec.values
    if values is None:
        return
    if site.kind in LISTLESS:
        what = f"{_said(site)} has no list of values"
        yield site.mistake("values", what, "leave values or the transform out", at_key=True)
        return
    natives = [native for native, _ in values.pairs]
    for index, (native, portal) in enumerate(values.pairs):
        here: NodePath = ("values", index) if values.is_list else ("values", _as_written(site, native))
        if native in natives[:index]:
            yield site.mistake(here, f"{native!r} stands twice", "keep one", at_key=True)
        if values.is_list and native.startswith("$"):
            yield site.mistake(here, f"{native} cannot stand in a list", f"write a map: {{{native}: …}}")
            continue
        if not values.is_list:
            yield from _placeholder(site.source, (*site.path, *here), native, at_key=True)
        yield from _portal_value(site, here, portal)


def _as_written(site: Site, native: str) -> str:
    written = site.source.at((*site.path, "values"))
    return next((key for key in written if key.strip() == native), native) if isinstance(written, dict) else native


def _portal_value(site: Site, here: NodePath, value: str) -> Iterator[Mistake]:
    """A value of ours, in a list or a default: of the right kind, and a word of the domain where it has a list."""
    if PLACEHOLDER.search(value):
        yield site.mistake(here, f"{value} stands for a native value, not for one of ours", "write the portal's value")
        return
    if site.domain is not None and value not in site.domain:
        yield site.mistake(here, f"{value!r} is not a value of {site.name}", choose_from(value, site.domain))
        return
    try:
        transform_named(site.spec.transform or "text", wire=WireForm(), zone=UTC).read(value)
    except ValueMistake as mistake:
        yield site.mistake(here, f"{value!r} {mistake.what}", f"the transform is {site.spec.transform}")


def _defaults(site: Site) -> Iterator[Mistake]:
    spec, listed = site.spec, _portal_values(site)
    wrong = [
        mistake
        for key in ("default", "create_default")
        if (value := getattr(spec, key)) is not None
        for mistake in _portal_value(site, (key,), value)
    ]
    if wrong:
        yield from wrong
        return
    if spec.default is not None and site.kind == "set":
        yield site.mistake("default", "a set has no default: blank is the empty set", "leave it out", at_key=True)
    if spec.create_default is not None and listed is not None and spec.create_default not in listed:
        what = f"{spec.create_default!r} is not among the values"
        yield site.mistake("create_default", what, choose_from(spec.create_default, listed))
    if spec.default is not None and site.is_attribute and listed is not None and spec.default not in listed:
        yield site.mistake("default", f"{spec.default!r} is not among the values", choose_from(spec.default, listed))
    elif spec.default is not None and spec.direction != "pull" and listed is not None and spec.default not in listed:
        what = f"{spec.default!r} has no native value to be written as"
        yield site.mistake("default", what, "add it to values, or make the field direction: pull")


def _portal_values(site: Site) -> list[str] | None:
    values = site.spec.values
    return None if values is None or values.is_from_crm else [portal for _, portal in values.pairs]


def _rule_field(site: Site) -> Iterator[Mistake]:
    if not site.spec.rule_field:
        return
    if site.section == "deal":
        yield site.mistake("rule_field", "rules look at companies only", "leave it out", at_key=True)
    elif not site.is_attribute:
        what = "the domain knows this field itself, and rules may not use it"
        yield site.mistake("rule_field", what, "leave it out; rules use fields under attributes", at_key=True)
    elif site.spec.values is None and site.kind != "boolean":
        remedy = "add values: [A, B], a map, or from_crm"
        yield site.mistake("rule_field", "a field that rules use needs a list of values", remedy, at_key=True)


def _key_field(site: Site) -> Iterator[Mistake]:
    if site.spec.direction == "pull" or (site.section, site.name) == ("company", "portal_id"):
        return
    for record, spec in site.grammar.records.named().items():
        if record in _records_of(site) and site.spec.native_on(record) == spec.key:
            what = f"{spec.key} is the key of {record}; only the worker writes it"
            yield site.mistake("native", what, "give the field a native field of its own")
            return


def _placeholder(source: Source, path: NodePath, word: str, *, at_key: bool = False) -> Iterator[Mistake]:
    if word in PLACEHOLDERS:
        return
    if PLACEHOLDER.search(word):
        yield source.mistake(
            path,
            f"{word!r} holds a placeholder among other text",
            "a placeholder stands alone: write $partner, and nothing beside it",
            at_key=at_key,
        )
    elif re.fullmatch(r"\$[a-z_]+", word):
        near = did_you_mean(word, list(PLACEHOLDERS))
        yield source.mistake(path, f"{word} is not a placeholder", f"{near} allowed: {', '.join(PLACEHOLDERS)}".strip(), at_key=at_key)


def _said(site: Site) -> str:
    return site.spec.transform or "plain text"


_A_KIND = {
    "text": "text",
    "decimal": "a decimal number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a day",
    "set": "a set",
    "reference": "a company",
}
FIELD_RULES: tuple[Callable[[Site], Iterator[Mistake]], ...] = (
    _attribute_name,
    _one_home,
    _native_records,
    _native_names,
    _fitting_transform,
    _values,
    _defaults,
    _rule_field,
    _key_field,
)
