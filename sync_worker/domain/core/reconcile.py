"""THE MERGE: one record, field by field: what both sides last agreed on, what the CRM holds now, what the portal holds now.

                        CRM as in the base        CRM changed
    portal as in base   nothing                   the CRM's value is taken
    portal changed      the portal's is owed      equal: agreed. Else the field's rule decides; both values are kept in a conflict

It assumes three words (`domain/__init__.py` has all of them). *Base*: for each field the pair (the portal's value, the CRM's spelling) on
which both sides last agreed. It is a pair, because a vendor may rewrite what we send ("1.50" comes back as 1.5). So when we read our own
write again, the spelling equals the base, and it is not taken for an edit. *Owed*: the portal's value differs from `base.portal`; the next
push writes it. *Conflict*: both sides changed a field.

Once a change in the CRM was seen, the base holds what the CRM said, even if the portal's value wins. INGEST merges each record that it
reads, and PUSH has a record read before it writes. Read `reconcile` first, then `_merge`, which is the table above.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sync_worker.domain.core.clocks import Clocks, newest
from sync_worker.domain.core.values import Plain, Value, plain

Direction: TypeAlias = Literal["pull", "push", "both"]
Write: TypeAlias = Literal["always", "create", "update", "once"]
Rule: TypeAlias = Literal["crm", "portal", "newest", "ask"]
Side: TypeAlias = Literal["crm", "portal", ""]
Take: TypeAlias = Literal["crm", "portal"]


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field travels. **Shapes** `is_set`: it holds several values. `is_listed`: its values come from a closed list."""

    field: str
    direction: Direction = "pull"
    write: Write = "always"
    conflict: Rule = "crm"
    is_set: bool = False
    is_listed: bool = False


class Base(NamedTuple):
    """The pair last agreed on: the portal's value, the CRM's spelling of it.

    **Shapes** `is_awaited`: we wrote it and have not read it back, so `crm` is what we sent, not what the CRM made of it. `is_half`: a
    write takes several calls, and only the first is done. So nothing is agreed: `crm` is what stands there by now, and the field is owed.
    **Source** a tuple, because sixteen of them are made for each deal that is read: half the price of a frozen dataclass.
    """

    portal: Plain
    crm: Any
    is_awaited: bool = False
    is_half: bool = False


def to_document(bases: Mapping[str, Base]) -> dict[str, list[Any]]:
    """JSON form: by field `[portal, crm]`; `[portal, crm, true]` while awaited, `[null, crm, false, true]` while written by half."""
    return {name: list(pair if pair.is_half else pair[: 2 + pair.is_awaited]) for name, pair in bases.items()}


def from_document(stored: Mapping[str, Sequence[Any]]) -> dict[str, Base]:
    """The inverse of `to_document`. **Source** `tuple.__new__` costs half of `Base(*pair)`, which is called for each field of a deal."""
    make = tuple.__new__
    return {name: make(Base, (*pair, False, False)[:4]) for name, pair in stored.items()}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides' values of one field, and whose was taken. **Shapes** `taken` empty = waits for a person; `rule`: the field's."""

    field: str
    base: Plain
    crm: Plain
    portal: Plain
    taken: Side
    code: str
    rule: Rule = "crm"


class Decided(NamedTuple):
    """What a person decided on one conflict: whose value is taken. It counts only as long as both values are those that the person saw."""

    take: Take
    crm: Plain
    portal: Plain


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What becomes of one record: `keep` into the portal, `base` into the link, `push` into the outbox, `conflicts` to the operator."""

    keep: Mapping[str, Value] = field(default_factory=dict)
    base: Mapping[str, Base] = field(default_factory=dict)
    push: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to do or to say."""
        return not (self.keep or self.base or self.push or self.conflicts)


class _Draft:
    """A `Reconciliation` as it is filled, one field after the other."""

    __slots__ = ("base", "conflicts", "keep", "push")

    def __init__(self) -> None:
        self.keep: dict[str, Value] = {}
        self.base: dict[str, Base] = {}
        self.push: list[str] = []
        self.conflicts: list[Conflict] = []

    def finish(self) -> Reconciliation:
        return Reconciliation(self.keep, self.base, tuple(self.push), tuple(self.conflicts))


_UNREAD: Final = object()
_NOTHING_DECIDED: Final[Mapping[str, Decided]] = {}


@dataclass(slots=True)
class _Field:
    """One field of one record, both sides. **Shapes** `crm`: `crm_value` in plain form, or `_UNREAD` if the CRM sent nothing readable."""

    rule: FieldRule
    base: Base | None
    crm_value: Value
    crm: Any
    spelling: Any
    portal: Plain

    @property
    def is_read(self) -> bool:
        return self.crm is not _UNREAD

    @property
    def is_half(self) -> bool:
        """Whether only the first of several calls of our write is done."""
        return self.base is not None and self.base.is_half

    @property
    def is_owed(self) -> bool:
        return self.is_half or self.portal != (_flat(self.base.portal) if self.base else None)

    @property
    def has_crm_moved(self) -> bool:
        return self.base is None or bool(self.spelling != self.base.crm)

    @property
    def seen(self) -> Base:
        """The base after this reading: the CRM's value and spelling."""
        if self.is_read:
            return Base(self.crm, self.spelling)
        return Base(f"unreadable: {self.spelling}", self.spelling)


class CrmSide(NamedTuple):
    """**Shapes** `values`: as normalized, absent = the CRM said nothing we can read, `None` = cleared. `spellings`: as the CRM sent them,
    JSON; a field without one is compared by its value.
    """

    values: Mapping[str, Value]
    spellings: Mapping[str, Any]


class PortalSide(NamedTuple):
    """**Shapes** `base`: on what both sides last agreed."""

    values: Mapping[str, Value]
    base: Mapping[str, Base]


def reconcile(
    rules: Mapping[str, FieldRule], crm: CrmSide, ours: PortalSide, *, clocks: Clocks, decided: Mapping[str, Decided] = _NOTHING_DECIDED
) -> Reconciliation:
    """Merges one record, field by field; doing it again changes nothing. Unset and cleared count as equal. A cleared value is passed on."""
    (crm_values, crm_spellings), (portal, base) = crm, ours
    draft = _Draft()
    for name, rule in rules.items():
        held = portal.get(name)
        if rule.direction == "pull":
            value = crm_values.get(name, held)
            if value is not held and comparable(value) != comparable(held):
                draft.keep[name] = value
            continue
        pair = base.get(name)  # the common case, found quickly: both sides are as agreed; if not, the full comparison follows
        is_as_agreed = pair and crm_spellings.get(name, _UNREAD) == pair.crm and not (pair.is_awaited or pair.is_half)
        if pair and is_as_agreed and (held == pair.portal or comparable(held) == pair.portal):
            continue
        item = _field(rule, pair, crm, ours)
        if rule.direction == "push":
            _push_only(item, draft)
        elif _is_written_no_more(item):
            _pull(item, draft)
        elif rule.is_set:
            _merge_set(item, draft)
        else:
            _merge(item, clocks, decided.get(name), draft)
    return draft.finish()


def owed(
    rules: Mapping[str, FieldRule],
    *,
    base: Mapping[str, Base],
    portal: Mapping[str, Value],
    is_create: bool,
    waiting: Collection[str] = (),
) -> tuple[str, ...]:
    """The fields a push must write now, in the order of the rules.

    **Shapes** `waiting`: fields with an open conflict under the rule `ask`; they are not written. A create carries every field the portal
    has set or cleared.
    """
    return tuple(
        name
        for name, rule in rules.items()
        if rule.direction != "pull" and name not in waiting and _is_due(rule, base.get(name), portal, is_create=is_create)
    )


def after_write(rules: Mapping[str, FieldRule], *, sent: Mapping[str, Value], spellings: Mapping[str, Any]) -> dict[str, Base]:
    """The bases once the CRM took a write. A field that only we write is awaited: the vendor may rewrite what we sent."""
    return {
        name: Base(comparable(value), spellings.get(name), is_awaited=rules[name].direction == "push")
        for name, value in sent.items()
        if name in rules
    }


# ── one field ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _field(rule: FieldRule, base: Base | None, crm: CrmSide, ours: PortalSide) -> _Field:
    name = rule.field
    crm_value = crm.values.get(name)
    plain_value = comparable(crm_value) if name in crm.values else _UNREAD
    unspelled = plain_value if plain_value is not _UNREAD else base.crm if base else None
    spelling = crm.spellings.get(name, unspelled)
    return _Field(rule, base, crm_value, plain_value, spelling, comparable(ours.values.get(name)))


def _is_written_no_more(item: _Field) -> bool:
    """True for a two-way field that we write only at the create, or only once: from then on the CRM's value counts."""
    if item.is_half:
        return False
    if item.rule.write == "once":
        return item.base is not None or (item.is_read and item.crm is not None)
    return item.rule.write == "create"


def _pull(item: _Field, draft: _Draft) -> None:
    """A field that we do not write any more: the CRM's value counts. If the portal has set another one, a conflict keeps it."""
    name, base = item.rule.field, item.base
    if item.is_read and item.crm != item.portal:
        draft.keep[name] = item.crm_value
        if base is not None and item.is_owed and item.portal is not None:
            draft.conflicts.append(Conflict(name, base.portal, item.crm, item.portal, "crm", "edit_dropped", "crm"))
    if (base is None and item.rule.write == "once") or (base is not None and item.is_read and base != item.seen):
        draft.base[name] = item.seen


def _push_only(item: _Field, draft: _Draft) -> None:
    """A field that only we write: once (`create`, `once`), or every time, so that what somebody changed in the CRM is put back."""
    name, base = item.rule.field, item.base
    if not item.is_half and (item.rule.write == "create" or (item.rule.write == "once" and base is not None)):
        return
    if item.is_read and item.crm == item.portal:
        _agree(item, draft)
        return
    if item.is_half:
        draft.push.append(name)
        return
    if base is not None and base.is_awaited and not _is_edit(item):  # the read-back: what the CRM made of our write
        draft.base[name] = Base(base.portal, item.spelling)
    elif base is not None and item.has_crm_moved:
        draft.base[name] = item.seen
        crm = item.crm if item.is_read else str(item.spelling)
        draft.conflicts.append(Conflict(name, base.portal, crm, item.portal, "portal", "put_back", "portal"))
        draft.push.append(name)
        return
    if item.is_owed:
        draft.push.append(name)


def _is_edit(item: _Field) -> bool:
    """Whether a read-back that differs was written by a person since: no vendor makes another value of a list, or of yes and no."""
    return item.is_read and item.has_crm_moved and (item.rule.is_listed or isinstance(item.crm, bool))


def _merge(item: _Field, clocks: Clocks, decided: Decided | None, draft: _Draft) -> None:
    """The table at the top of this file, for one value."""
    if not item.is_read or not item.has_crm_moved:
        if item.is_read and item.crm == item.portal:
            _agree(item, draft)
        elif item.is_owed:
            draft.push.append(item.rule.field)
    elif item.crm == item.portal:
        _agree(item, draft)
    elif not item.is_owed:
        _take_crm(item, draft)
    elif item.base is None and item.crm is None:
        draft.push.append(item.rule.field)
    else:
        _clash(item, clocks, decided, draft)


def _clash(item: _Field, clocks: Clocks, decided: Decided | None, draft: _Draft) -> None:
    """Both sides changed, differently: a person has decided, or the field's rule does; both values are kept in the conflict."""
    taken, code = _judge(item.rule, clocks)
    if decided and (decided.crm, decided.portal) == (item.crm, item.portal):
        taken = decided.take
    before = item.base.portal if item.base else None
    draft.conflicts.append(Conflict(item.rule.field, before, item.crm, item.portal, taken, code, item.rule.conflict))
    if taken == "crm":
        _take_crm(item, draft)
    elif taken == "portal":
        draft.base[item.rule.field] = item.seen
        draft.push.append(item.rule.field)


def _judge(rule: FieldRule, clocks: Clocks) -> tuple[Side, str]:
    if rule.conflict == "newest":
        return newest(clocks, clocks.portal_edited_at.get(rule.field))
    return ("" if rule.conflict == "ask" else rule.conflict), "both_changed"


def _merge_set(item: _Field, draft: _Draft) -> None:
    """A set: what either side added or removed counts. No conflict: an added value was not in the base, a removed one was."""
    name = item.rule.field
    if item.is_read and item.crm == item.portal:
        _agree(item, draft)
        return
    if not item.is_read or not item.has_crm_moved:
        if item.is_owed:
            draft.push.append(name)
        return
    agreed = _members(item.base.portal if item.base else None)
    ours, theirs = _members(item.portal), _members(item.crm)
    merged = merge_sets(agreed, ours, theirs)
    if item.base is not None or theirs:
        draft.base[name] = item.seen
    if merged != ours:
        draft.keep[name] = tuple(sorted(merged))
    if merged != theirs:
        draft.push.append(name)


def merge_sets(agreed: frozenset[str], ours: frozenset[str], theirs: frozenset[str]) -> frozenset[str]:
    """Three-way merge, value by value; the order of the two sides does not matter."""
    return (agreed & ours & theirs) | (ours - agreed) | (theirs - agreed)


def _take_crm(item: _Field, draft: _Draft) -> None:
    draft.keep[item.rule.field] = item.crm_value
    draft.base[item.rule.field] = item.seen


def _agree(item: _Field, draft: _Draft) -> None:
    """Both sides hold the same: the base remembers how the CRM spells it. If both were always empty, there is nothing to remember."""
    if item.base is None and item.portal is None:
        return
    if item.base is None or item.has_crm_moved or item.is_owed or item.base.is_awaited:
        draft.base[item.rule.field] = item.seen


def _is_due(rule: FieldRule, base: Base | None, portal: Mapping[str, Value], *, is_create: bool) -> bool:
    if is_create:
        return rule.write != "update" and rule.field in portal
    held = portal.get(rule.field)
    if base is None:
        return rule.write != "create" and comparable(held) is not None
    if base.is_half:
        return True
    if held == base.portal or rule.write in ("create", "once"):
        return False
    return comparable(held) != _flat(base.portal)


def comparable(value: Value) -> Plain:
    """Plain form for comparing: emptiness is `None`, a set is sorted."""
    if type(value) is str:  # nearly all
        return value or None
    return _flat(plain(value))


def _flat(value: Plain) -> Plain:
    if isinstance(value, list):
        return sorted(set(value)) or None
    return None if value == "" else value


def _members(value: Plain) -> frozenset[str]:
    return frozenset(value) if isinstance(value, list) else frozenset()
