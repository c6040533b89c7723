"""The story the demo tells: every part is the real one, and real workers do it; only the CRM is a local one.

Each chapter says what it does, does it, and shows what can be seen on both sides afterwards. Which CRM it is, the story does not know:
a person's edits there are spelled by the mapping, as is what is shown of its records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crm_sandbox.remote import Remote
from sync_worker.cli.associations.associations import explained, rows_of
from sync_worker.config.portal import AssociationMode
from sync_worker.demo.crew import Crew
from sync_worker.demo.narrator import Narrator
from sync_worker.demo.pairs import EVERYTHING, Pairs, explain_all
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.core.link import Home
from sync_worker.domain.core.values import Value
from sync_worker.domain.distributors.terms import Terms
from sync_worker.steps.associations.evaluate import EVALUATE
from sync_worker.steps.associations.mode import DERIVE, set_mode
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import approve, change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import draft
from sync_worker.steps.deals.register import register as register_deal
from sync_worker.steps.distributors.subgroups import create
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, failures, runs
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals, links

PARTNER, DISTRIBUTOR, STRANGER, VENDOR = "Birch Systems", "Arrow Electronics", "Cascade Supply", "Northwind Software"
PAIRS = [(partner, second) for partner in (PARTNER, "Cedar IT", "Elm Consulting") for second in (DISTRIBUTOR, "Bolt Distribution")]
SUBGROUP = "Quay Resellers"
UNPAIRED = "second_partner_not_associated"
DERIVES = {"rules": EVALUATE, "contracts": DERIVE}
PAST_LOOK_BACK_S = 2_000
SETTLING_S = 60  # more than the pull leaves out at the end of its window

DEAL = {
    "owner_company": PARTNER,
    "second_partner": DISTRIBUTOR,
    "prospect_name": "Harbor Freight Lines",
    "contact_first_name": "Ada",
    "contact_last_name": "Berg",
    "amount": "48000.00",
    "deal_type": "new",
    "licence_count": "25",
    "expected_close_on": "2027-03-31",
}
WATCHED = ("name", "amount", "deal_type", "licence_count", "distributor_approval", "vendor_approval", "lifecycle", "is_registered")
TALLY = ("read", "applied", "unchanged", "skipped", "failed")
FIGURES = (*TALLY, "API calls", "2nd run: changes", "writes")


@dataclass(frozen=True, slots=True)
class TellingEnd:
    """How one telling ended.

    **Shapes** `figures`: by the names in FIGURES; `holds`: how many of what the portal holds; `pairs`: by mode, in the order of telling.
    """

    figures: Mapping[str, int]
    differences: int
    holds: Mapping[str, int]
    pairs: Mapping[str, Pairs]

    @property
    def flaws(self) -> list[str]:
        """What must not be so at the end of the story, in words."""
        silent = [f"by {mode}, {found.without_words} pairs have no words" for mode, found in self.pairs.items() if found.without_words]
        is_back = self.pairs["contracts"] == self.pairs["contracts again"]
        return silent if is_back else [*silent, "set back to contracts, other pairs may work together than before"]

    def to_document(self) -> dict[str, Any]:
        """JSON form."""
        return {
            **{name: self.figures[name] for name in TALLY},
            "api_calls": self.figures["API calls"],
            "second_run": {"changes": self.figures["2nd run: changes"], "writes": self.figures["writes"]},
            "differences": self.differences,
            "holds": dict(self.holds),
            "associations": {mode: found.to_document() for mode, found in self.pairs.items()},
        }


class Telling:
    """One telling, on one portal."""

    def __init__(self, crew: Crew, remote: Remote, narrator: Narrator, *, edit_mode: Callable[[AssociationMode], None]) -> None:
        self._crew = crew
        self._remote = remote
        self._narrator = narrator
        self._edit_mode = edit_mode

    @property
    def _tenant(self) -> Tenant:
        return self._crew.tenant

    def tell(self) -> TellingEnd:
        """The whole story."""
        self._companies_and_deals()
        self._associations()
        deal = self._registration()
        self._approvals(deal)
        self._subgroup()
        self._bad_record()
        return self._settled(self._other_mode())

    # ── chapters ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _companies_and_deals(self) -> None:
        self._narrator.chapter(
            "1. Companies and deals come in",
            "The worker reads them page by page over HTTP, translates them with the mapping, and stores them.",
        )
        self._pull()
        self._narrator.table(self._runs(), ("verb", "object", "read", "applied", "unchanged", "skipped", "failed", "written", "calls"))

    def _associations(self) -> None:
        self._narrator.chapter(
            "2. Who may work with whom", f"{PARTNER} names its distributors on its CRM record. Every answer has its reason."
        )
        with self._tenant.store.reading(self._tenant.name) as tx:
            rows = rows_of(tx, _named(companies.find(tx, PARTNER)))
        self._narrator.table(rows, ("partner", "second_partner", "associated", "reason"))
        for other in (DISTRIBUTOR, STRANGER):
            with self._tenant.store.reading(self._tenant.name) as tx:
                pair = _named(companies.find(tx, PARTNER)), _named(companies.find(tx, other))
            found = explained(self._tenant, *pair)
            self._narrator.line(f"{PARTNER} × {other}: {'yes' if found['associated'] else 'no'}, {found['words']}")
        self._narrator.table(self._problems(), ("code", "record", "message"), title="problems in the CRM's data (some of them)")

    def _registration(self) -> Deal:
        self._narrator.chapter(
            "3. A partner registers a deal", "The deal is checked, stored, written to the CRM as a new record, and read back."
        )
        refused = register_deal(self._tenant, {**DEAL, "second_partner": STRANGER}, actor=Actor("Ann Birch", None, "portal"))
        if isinstance(refused, Refusal):
            self._narrator.line(f"with {STRANGER}: refused, {refused.why}; {refused.who_may}")
        done = register_deal(self._tenant, DEAL, actor=Actor("Ann Birch", None, "portal"))
        if isinstance(done, Refusal):
            raise _unfit(done)
        deal, follow_ups, *_ = done
        self._work(follow_ups)
        self._both_sides(deal.id, "portal and CRM after the push")
        return deal

    def _approvals(self, deal: Deal) -> None:
        self._narrator.chapter(
            "4. Two approvals", f"{DISTRIBUTOR} approves in the portal, and the vendor in the CRM. Each approval is seen on the other side."
        )
        moved = approve(
            self._tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora Lind", None, "portal")), company=DISTRIBUTOR
        )
        if isinstance(moved, Refusal):
            raise _unfit(moved)
        self._work(moved[1])
        self._edit_in_crm(self._home(deal.id), "vendor_approval", "approved")
        self._remote.advance_clock(SETTLING_S)
        self._pull()
        self._both_sides(deal.id, "portal and CRM after both approvals")

    def _subgroup(self) -> None:
        """A reseller of the distributor tries to get round it, in two lines."""
        with self._tenant.store.reading(self._tenant.name) as tx:
            parent = _named(companies.find(tx, DISTRIBUTOR))
        made = create(self._tenant, parent, SUBGROUP, Terms(True, {"new": Decimal(10)}), actor=Actor("Dora Lind", parent.id, "portal"))
        if isinstance(made, Refusal):
            raise _unfit(made)
        self._work(made.follow_ups)
        seller = Actor("Sam Quay", made.child.company.id, "portal")
        begun = draft(self._tenant, {"owner_company": SUBGROUP, "prospect_name": "Quay Foods", "deal_type": "new"}, actor=seller)
        if isinstance(begun, Refusal):
            raise _unfit(begun)
        refused = change(self._tenant, begun.deal.id, {"second_partner": None}, MoveRequest(seller))
        if not isinstance(refused, Refusal):
            raise _unkept(refused.deal)
        self._narrator.line(f"{SUBGROUP}, a subgroup of {DISTRIBUTOR}, drafts a deal: it names {DISTRIBUTOR} by itself")
        self._narrator.line(f"it tries to drop {DISTRIBUTOR}: refused, {refused.why}; {refused.who_may}")

    def _bad_record(self) -> None:
        self._narrator.chapter(
            "5. A bad record does not stop the others",
            "It waits as a failure. Once the record is corrected in the CRM, the failure closes by itself.",
        )
        with self._tenant.store.reading(self._tenant.name) as tx:
            broken = [row.failure for row in failures.listed(tx) if row.failure.kind == "failure"]
        self._narrator.table([{"code": f.code, "record": f.record, "message": f.message} for f in broken], ("code", "record", "message"))
        for failure in broken:
            self._edit_in_crm(Home(failure.object, failure.record), failure.field, "annual")
        self._remote.advance_clock(SETTLING_S)
        self._pull()
        with self._tenant.store.reading(self._tenant.name) as tx:
            self._narrator.line(f"corrected in the CRM and pulled again: {failures.counts(tx).get('failure', 0)} failures open")

    def _other_mode(self) -> dict[str, Pairs]:
        self._narrator.chapter(
            "6. The same companies by rules",
            "A portal's mode is set once. To change it an operator says why, and the workers work out the associations again.",
        )
        found, contracts = {"contracts": explain_all(self._tenant)}, self._of_pairs()
        self._set_mode("rules", "by region now")
        found["rules"], rules = explain_all(self._tenant), self._of_pairs()
        rows = [
            {
                "partner": one,
                "second_partner": other,
                "by_contracts": _answer(contracts[one, other]),
                "by_rules": _answer(rules[one, other]),
            }
            for one, other in PAIRS
        ]
        self._narrator.table(rows, ("partner", "second_partner", "by_contracts", "by_rules"))
        for one, other in PAIRS[-2:]:
            self._narrator.line(f"{one} × {other}: {rules[one, other]['words']}")
        self._narrator.line(f"open deals flagged, because their pair ended: {self._open_count(UNPAIRED)}\n")
        self._set_mode("contracts", "put off")
        found["contracts again"] = explain_all(self._tenant)
        self._narrator.line(f"open deals flagged: {self._open_count(UNPAIRED)}\n")
        rows = [{"mode": mode, **pairs.to_document()} for mode, pairs in found.items()]
        self._narrator.table(
            rows,
            ("mode", "associated", "not_associated", "without_words", "digest"),
            title="every partner × every second partner, explained",
        )
        return found

    def _settled(self, pairs: Mapping[str, Pairs]) -> TellingEnd:
        self._narrator.chapter(
            "7. At rest", "Our own writes come back, and are not taken for edits. A second run finds that nothing has changed."
        )
        self._remote.advance_clock(SETTLING_S)
        self._pull()
        first = self._sums()
        self._remote.advance_clock(PAST_LOOK_BACK_S)
        self._pull()
        second = self._sums()
        compared = compare(self._tenant)
        tally = {name: int(getattr(first, name)) for name in TALLY}
        again = {"2nd run: changes": second.applied - first.applied, "writes": second.written - first.written}
        self._narrator.line(
            f"read {first.read} = applied {first.applied} + unchanged {first.unchanged} + skipped {first.skipped} + failed {first.failed}"
        )
        self._narrator.line(f"2nd run: {again['2nd run: changes']} changes, {again['writes']} writes")
        self._narrator.line(
            f"both sides equal: {compared.differences or 'yes'}, {compared.field_count} fields of {compared.counts.read} records compared"
        )
        return TellingEnd({**tally, "API calls": first.calls, **again}, len(compared.differences), self._holds(), pairs)

    # ── working ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _pull(self) -> None:
        for name in self._tenant.readable_records():
            self._work([FollowUp(Work.PULL, name)])

    def _work(self, follow_ups: Iterable[FollowUp]) -> None:
        self._crew.work(follow_ups)

    def _set_mode(self, mode: AssociationMode, reason: str) -> None:
        """The portal file says so, the processes start again, an operator confirms it, and the workers do the rest."""
        self._narrator.line(f"sync-worker portals set-association-mode {self._tenant.name} {mode} --override --reason '{reason}'\n")
        self._edit_mode(mode)
        self._crew.restart()
        set_mode(self._tenant, mode, actor="Olga Rask", reason=reason)
        self._work([DERIVES[mode]])

    def _edit_in_crm(self, home: Home, field: str, value: Value) -> None:
        """A person in the CRM sets one field, spelled as this CRM spells it."""
        record = self._tenant.mapping.records[home.object]
        self._remote.edit(record.native, home.crm_id, {record.fields[field].native: record.fields[field].spell(value)})

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _runs(self) -> list[dict[str, Any]]:
        with self._tenant.store.reading(self._tenant.name) as tx:
            found = [run for run in reversed(runs.listed(tx)) if run.counts.read or run.counts.claimed]
        return [{"verb": run.verb, "object": run.object, **{n: getattr(run.counts, n) for n in runs.NUMBERS}} for run in found]

    def _sums(self) -> Counts:
        total = Counts()
        with self._tenant.store.reading(self._tenant.name) as tx:
            for run in runs.listed(tx, limit=10_000):
                total.add(run.counts)
        return total

    def _problems(self) -> list[dict[str, Any]]:
        """One data problem of each kind."""
        with self._tenant.store.reading(self._tenant.name) as tx:
            found = {row.failure.code: row.failure for row in failures.listed(tx) if row.failure.kind == "problem"}
        return [{"code": code, "record": failure.name, "message": failure.message} for code, failure in sorted(found.items())]

    def _of_pairs(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The cast's pairs, each explained."""
        with self._tenant.store.reading(self._tenant.name) as tx:
            known = {name: _named(companies.find(tx, name)) for pair in PAIRS for name in pair}
        return {(one, other): explained(self._tenant, known[one], known[other]) for one, other in PAIRS}

    def _open_count(self, code: str) -> int:
        with self._tenant.store.reading(self._tenant.name) as tx:
            return sum(row.failure.code == code for row in failures.listed(tx))

    def _holds(self) -> dict[str, int]:
        """Companies by type and status, contracts, deals by where they stand, and what is open, each with its count."""
        with self._tenant.store.reading(self._tenant.name) as tx:
            known = [stored.company for stored in companies.listed(tx, limit=EVERYTHING)]
            bound, unbound = associations.counts(tx)
            held = [stored.deal for stored in deals.listed(tx, limit=EVERYTHING)]
            rows = [row.failure for row in failures.listed(tx)]
        return {
            **_counted("companies", (f"{company.account_type}, {company.status}" for company in known)),
            "contracts: with a company": bound,
            "contracts: naming no company": unbound,
            **_counted("deals", (deal.lifecycle for deal in held)),
            **_counted("vendor approval", (deal.vendor_approval for deal in held)),
            **_counted("distributor approval", (deal.distributor_approval for deal in held)),
            **_counted("open", (f"{row.kind} {row.code}" for row in rows)),
        }

    def _home(self, deal_id: str) -> Home:
        with self._tenant.store.reading(self._tenant.name) as tx:
            return links.homes(tx, [deal_id])[deal_id]

    def _both_sides(self, deal_id: str, title: str) -> None:
        """The deal as the portal holds it beside its record as the CRM holds it."""
        home = self._home(deal_id)
        record = self._tenant.mapping.records[home.object]
        native = self._remote.record(record.native, home.crm_id)
        with self._tenant.store.reading(self._tenant.name) as tx:
            stored = deals.get(tx, deal_id)
        values: Mapping[str, Any] = stored.deal.values if stored else {}
        rows = [{"field": name, "portal": values.get(name), "CRM": native.get(record.fields[name].native)} for name in WATCHED]
        self._narrator.table(rows, ("field", "portal", "CRM"), title=f"{title} ({record.native} {home.crm_id})")


def _counted(what: str, values: Iterable[str]) -> dict[str, int]:
    return {f"{what}: {value}": count for value, count in sorted(Counter(values).items())}


def _answer(found: Mapping[str, Any]) -> str:
    """Yes with the names of all its reasons, or no."""
    return f"yes: {', '.join(reason['name'] for reason in found['reasons'])}" if found["associated"] else "no"


def _unfit(refused: Refusal) -> RuntimeError:
    return RuntimeError(f"the sandbox's cast has changed, the demo no longer fits it: {refused.why}")


def _unkept(deal: Deal) -> RuntimeError:
    return RuntimeError(f"deal {deal.id} was let go from {DISTRIBUTOR}, whose subgroup owns it")


def _named(company: Company | None) -> Company:
    if company is None:
        raise RuntimeError("the sandbox's cast has changed; the demo no longer fits it")
    return company
