"""CHECK: does the CRM have what the portal file and the mapping name, and are its data right?

Changes only the describe cache, and closes the losses in conversions that are seen to be mended.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sync_worker.config.portal import Portal
from sync_worker.crm.port import Schema
from sync_worker.domain.core.problem import CODES
from sync_worker.errors import Mistake, Place
from sync_worker.mapping.catalog import ASSOCIATION
from sync_worker.mapping.required_schema import FieldWish, Lack
from sync_worker.nearest import did_you_mean, listed
from sync_worker.steps.core.association_mode import hold_mode
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.setup.company_data import DataProblem
from sync_worker.steps.operate.setup.survey import Conversion, FieldNeed, Options, Survey, survey

PROVISION = "sync-worker provision {} --apply"
NEARLY_FULL = 0.9  # of what a list can hold: time enough to make room
MOST_VALUES = 10  # wrong values of one field that are listed
MAKE_ROOM = "delete options that no record holds, inactive ones too, or let rules say who works with whom (`associations.mode`)"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    **Shapes** `remedy` is empty exactly when it is in order; `is_guess`: as far as we can tell; `written`: where the files name it.
    """

    subject: str
    is_ok: bool
    words: str
    remedy: str = ""
    is_guess: bool = False
    written: Place | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """**Shapes** `findings`: everything that was looked at, in the order of set-up; `problems`: each record to correct."""

    findings: tuple[Finding, ...]
    problems: tuple[DataProblem, ...]

    @property
    def is_ok(self) -> bool:
        return all(finding.is_ok for finding in self.findings)


def check(tenant: Tenant, schema: Schema) -> Report:
    """**Raises** AuthFailed, TransientError: then nothing else can be known; ConfigError where the file names another mode."""
    hold_mode(tenant.store, tenant.portal)
    crm_now = tenant.crm.now()
    found = survey(tenant, schema)
    problems = (*found.companies.problems, *found.wrong_contracts, *_of_deals(found), *found.keys.problems)
    return Report(
        (
            Finding("connection", True, f"the CRM answers; its clock says {crm_now:%Y-%m-%d %H:%M:%S} UTC"),
            *map(_of_note, tenant.grammar.notes),
            *(Finding(native, False, words, f"grant the integration user access to {native}") for native, words in found.hidden.items()),
            *(replace(_of_need(need, schema, tenant.portal), written=need.written) for need in found.needs),
            *_of_options(found.options, tenant.name),
            *map(of_conversion, found.conversions),
            *_of_data(found, problems),
            *_of_lost(found.keys.lost_counts),
        ),
        problems,
    )


# ── fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_note(note: Mistake) -> Finding:
    return Finding(note.path, True, f"{note.what} — {note.remedy} ({note.place})", is_guess=True, written=note.place)


def _of_need(need: FieldNeed, schema: Schema, portal: Portal) -> Finding:
    wish, lack = need.wish, need.lack
    used = [name for name in wish.fields if name in portal.rule_fields]
    if not need.is_there and used:
        words = f"missing or hidden, and rules use it ({', '.join(used)}): these rules match no company"
        return Finding(wish.subject, False, words, f"{remedy(wish, Lack('missing'), schema, portal.name)}, or take it out of the rules")
    if lack is None:
        return Finding(wish.subject, True, ("" if need.is_there else "not there, and optional: ") + _kind(wish) + _whose(wish))
    return Finding(wish.subject, False, what_lacks(wish, lack) + meant(need.slips), advice(need, lack, schema, portal.name))


def meant(slips: Mapping[str, str]) -> str:
    """`; did you mean 'Active', which is there?` where what is missing looks like what is there."""
    near = " and ".join(repr(other.removeprefix(ASSOCIATION)) for other in dict.fromkeys(slips.values()))
    return f"; did you mean {near}, which {'is' if len(slips) == 1 else 'are'} there?" if slips else ""


def advice(need: FieldNeed, lack: Lack, schema: Schema, portal: str) -> str:
    """What to do about what a field lacks. A slip is corrected where it is written; what only looks like a slip is made by its name."""
    otherwise = remedy(need.wish, lack, schema, portal)
    if not need.slips:
        return otherwise
    correct = f"correct it at {need.written}" if need.written else "correct it in the mapping"
    if schema.by_hand(need.wish):
        return f"{correct}; if it is another one: {otherwise}"
    named = [need.wish.subject] if lack.kind == "missing" else [f"{need.wish.subject}={value}" for value in need.slips]
    made = f"{correct}; if it is another one: {by_name(portal, named)}"
    others = [value for value in lack.values if value not in need.slips]
    return f"{made}; for {', '.join(others)}: {otherwise}" if others else made


def by_name(portal: str, names: Iterable[str]) -> str:
    """The command that makes what is named, whatever it looks like."""
    return " ".join([PROVISION.format(portal), *(f"--only {shlex.quote(name)}" for name in names)])


def what_lacks(wish: FieldWish, lack: Lack) -> str:
    """What is wrong with a field, in words."""
    words = {
        "missing": "our key is missing or hidden" if wish.kind == "key" else "missing or hidden",
        "not_unique": "our key is not unique",
        "other_type": f"is of type {lack.found}, and {_kind(wish)} is wanted",
        "other_target": f"leads to {lack.found or 'nothing'}, and {wish.refers_to} is wanted",
        "read_only": "read-only for this user",
        "values": f"the picklist lacks {', '.join(lack.values)}",
    }
    return words[lack.kind] + _whose(wish)


def remedy(wish: FieldWish, lack: Lack, schema: Schema, portal: str) -> str:
    """What to do about it: a command where one does it, else an admin's clicks."""
    if lack.kind in ("not_unique", "other_type", "other_target"):
        return by_admin(wish, lack)
    elsewhere = "; or keep the company in a field: `native:` instead of `association:` in the mapping" if wish.is_association else ""
    return (schema.by_hand(wish) or f"{PROVISION.format(portal)}, or correct the mapping") + elsewhere


def by_admin(wish: FieldWish, lack: Lack) -> str:
    """What only a person may decide about a field that holds data."""
    if lack.kind == "not_unique":
        return "mark it unique and as an external id, once no two records share a value"
    return f"keep it, and name another field under `overrides:` in the portal file; `provision` then makes it as {_kind(wish)}"


def _kind(wish: FieldWish) -> str:
    return wish.kind.replace("_", " ")


def _whose(wish: FieldWish) -> str:
    return f" ({', '.join(wish.fields)})" if wish.fields else ""


# ── second partners, conversion, data ─────────────────────────────────────────────────────────────────────────────────────────


def _of_options(options: Options | None, portal: str) -> Iterator[Finding]:
    if options is None:
        return
    subject, slips = f"{options.wish.subject}: options", options.slips.items()
    told = {
        "no option for": (tuple(name for name in options.missing if name not in options.slips), PROVISION.format(portal)),
        "no list can hold a name with a semicolon:": (options.unfit, "map another value to it under associations.contract_values"),
        "options that name no second partner:": (
            options.extra,
            "deactivate them, correct the company's name or account type, or map them under associations.contract_values",
        ),
        "second partners of one name:": (options.shared, "rename one, or map a value of its own under associations.contract_values"),
    }
    wrong = [Finding(subject, False, f"{words} {', '.join(names)}", what) for words, (names, what) in told.items() if names]
    wrong += [Finding(subject, False, f"no option for {name}; {one_option(near)}", _rename(options, name, portal)) for name, near in slips]
    if options.most and options.count + len(options.missing) >= NEARLY_FULL * options.most:
        words = f"{options.count} of the {options.most} values that the list can hold, and {len(options.missing)} are still to come"
        wrong.append(Finding(subject, False, words, MAKE_ROOM))
    yield from wrong or [Finding(subject, True, "one per second partner")]


def one_option(near: str) -> str:
    """What is said of a second partner's name that looks like an option which names no second partner."""
    return f"did you mean the option {near!r}, which names no second partner?"


def _rename(options: Options, name: str, portal: str) -> str:
    named = by_name(portal, [f"{options.wish.subject}={name}"])
    return f"correct the option or the company's name, or map the option under associations.contract_values; if it is another one: {named}"


def of_conversion(conversion: Conversion) -> Finding:
    """Whether a converted record hands our fields on, and how we know."""
    subject = f"{conversion.native} → {conversion.into}: field mapping"
    if conversion.lost:
        lost = ", ".join(f"{field} → {target}" for field, target in conversion.lost.items())
        known = "not mapped" if conversion.is_told else _how_lost(conversion)
        return Finding(subject, False, f"{known}: {lost}", _map_fields(conversion))
    if conversion.is_told:
        return Finding(subject, True, "mapped")
    if conversion.probed_count:
        words = f"the API does not tell; the {conversion.probed_count} records converted last lost nothing"
    else:
        words = "the API does not tell, and no record of ours was converted yet: look at it once by hand"
    return Finding(subject, True, words, is_guess=True)


def _how_lost(conversion: Conversion) -> str:
    if conversion.lost == conversion.reported:
        return "lost by conversions of ours, and carried over by the worker"
    return f"lost by one of the {conversion.probed_count} records converted last"


def _map_fields(conversion: Conversion) -> str:
    clicks = f"Setup → Object Manager → {conversion.native} → Fields & Relationships → Map {conversion.native} Fields: map each of them"
    if conversion.is_told or not conversion.reported:
        return clicks
    return f"{clicks}. The API does not tell of the mapping: when it is done, discard the failures of the code conversion_mapping_missing"


def _of_deals(found: Survey) -> Iterator[DataProblem]:
    for deals in found.deals.values():
        yield from deals.problems


def _of_data(found: Survey, problems: tuple[DataProblem, ...]) -> Iterator[Finding]:
    """One finding per kind of problem and field; one that all is well where it is."""

    def kind(problem: DataProblem) -> tuple[str, str, str]:
        return problem.native, problem.field, problem.code

    for (native, field, code), rows in groupby(sorted(problems, key=kind), key=kind):
        of_kind = list(rows)
        count = len({problem.crm_id for problem in of_kind})
        what, _, todo = CODES[code].partition(". ")
        words = f"{count} record{'s' * (count > 1)}: {what}{_counted(of_kind)}"
        yield Finding(f"{native}.{field}: data", False, words, _with_place(todo or what, of_kind[0]))
    if not problems:
        count = sum(deals.read_count for deals in found.deals.values())
        words = (
            f"{found.companies.read_count} companies have a portal status, and {count} deals are the portal's; nothing is wrong with them"
        )
        yield Finding("data", True, words)


def _counted(problems: Sequence[DataProblem]) -> str:
    """The values that are wrong, the most frequent first, each with its count and what it may have been meant for."""
    counts = Counter(problem.value for problem in problems if problem.value)
    allowed = problems[0].allowed
    rows = [" ".join(filter(None, (f"{value!r} {count}×", _aside(value, allowed)))) for value, count in counts.most_common(MOST_VALUES)]
    more = f" and {len(counts) - MOST_VALUES} other values" if len(counts) > MOST_VALUES else ""
    return f": {', '.join(rows)}{more}" if rows else ""


def _aside(value: str, allowed: Sequence[str]) -> str:
    near = did_you_mean(value, allowed)
    return f"({near})" if near else ""


def _with_place(todo: str, problem: DataProblem) -> str:
    """What to do, with the list that the mapping has and where it stands."""
    choice = f" Allowed: {listed(problem.allowed)}." if problem.allowed and problem.written else ""
    return f"{todo}{choice}{f' See {problem.written}.' if problem.written else ''}"


def _of_lost(counts: Mapping[str, int]) -> Iterator[Finding]:
    """Records of a database that is gone: told, because a pull brings them back without what only that database had."""
    for native, count in counts.items():
        words = (
            f"{count} record{'s carry keys' if count > 1 else ' carries a key'} of ours that this database does not know: a backup was "
            "restored, or the database is new. A pull brings them back under their ids; users, terms, agreements, quotes, licences and "
            "history do not come back"
        )
        yield Finding(f"{native}: our keys", True, words, is_guess=True)
