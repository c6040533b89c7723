"""The story the demo tells: every part is the real one, run by the actors on an in-process queue; only the CRM is a local one.

Each chapter says what it does, does it, and shows what can be seen on both sides afterwards. Which CRM it is, the story does not know:
a person's edits there are spelled by the mapping, as is what is shown of its records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dramatiq
from dramatiq.brokers.stub import StubBroker

from sync_worker.actors import register
from sync_worker.bootstrap import Installation
from sync_worker.cli.associations import explained, rows_of
from sync_worker.cli.output import out, show_table
from sync_worker.domain.company import Company
from sync_worker.domain.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.values import Value
from sync_worker.errors import TransientError
from sync_worker.sandbox.remote import Remote
from sync_worker.steps.compare import compare
from sync_worker.steps.decide import approve
from sync_worker.steps.register import register as register_deal
from sync_worker.steps.tenant import Tenant, Wake
from sync_worker.store import associations, companies, deals, failures, links, runs
from sync_worker.store.links import Home
from sync_worker.store.runs import Counts

PARTNER, DISTRIBUTOR, STRANGER, VENDOR = "Birch Systems", "Arrow Electronics", "Cascade Supply", "Northwind Software"
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
EVERYTHING = 1_000_000  # rows


@dataclass(frozen=True, slots=True)
class Ending:
    """How one telling ended. **Shapes** `figures`: by the names in FIGURES; `holds`: how many of what the portal holds."""

    figures: Mapping[str, int]
    differences: int
    holds: Mapping[str, int]

    def to_document(self) -> dict[str, Any]:
        """JSON form."""
        return {
            **{name: self.figures[name] for name in TALLY},
            "api_calls": self.figures["API calls"],
            "second_run": {"changes": self.figures["2nd run: changes"], "writes": self.figures["writes"]},
            "differences": self.differences,
            "holds": dict(self.holds),
        }


class Story:
    """One telling, on one portal."""

    def __init__(self, installation: Installation, portal: str, remote: Remote, *, is_quiet: bool) -> None:
        self._tenant: Tenant = installation.tenant(portal)
        self._remote = remote
        self._is_quiet = is_quiet
        self._queue = StubBroker(middleware=[])
        self._actors = register(self._queue, installation)
        self._worker = dramatiq.Worker(self._queue, worker_threads=1, worker_timeout=10)

    def tell(self) -> Ending:
        """The whole story."""
        self._worker.start()
        try:
            self._companies_and_deals()
            self._associations()
            deal = self._registration()
            self._approvals(deal)
            self._bad_record()
            return self._settled()
        finally:
            self._worker.stop()

    # ── chapters ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _companies_and_deals(self) -> None:
        self._say("1. Companies and deals come in", "Pulled page by page over HTTP, normalized by the mapping, stored with their cursor.")
        self._pull()
        self._table(self._runs(), ("verb", "object", "read", "applied", "unchanged", "skipped", "failed", "written", "calls"))

    def _associations(self) -> None:
        self._say("2. Who may work with whom", f"{PARTNER} names its distributors on its CRM record; every answer has its reason.")
        with self._tenant.store.reading(self._tenant.name) as tx:
            rows = rows_of(tx, _named(companies.find(tx, PARTNER)))
        self._table(rows, ("partner", "second_partner", "associated", "reason"))
        for other in (DISTRIBUTOR, STRANGER):
            with self._tenant.store.reading(self._tenant.name) as tx:
                pair = _named(companies.find(tx, PARTNER)), _named(companies.find(tx, other))
            found = explained(self._tenant, *pair)
            self._line(f"{PARTNER} × {other}: {'yes' if found['associated'] else 'no'}, {found['words']}")
        self._table(self._problems(), ("code", "record", "message"), title="what the CRM's data does not answer (some)")

    def _registration(self) -> Deal:
        self._say("3. A partner registers a deal", "Checked on the server, stored, pushed to the CRM as a new record, and read back.")
        refused = register_deal(self._tenant, {**DEAL, "second_partner": STRANGER}, actor=Actor("Ann Birch", None, "portal"))
        if isinstance(refused, Refusal):
            self._line(f"with {STRANGER}: refused, {refused.why}; {refused.who_may}")
        done = register_deal(self._tenant, DEAL, actor=Actor("Ann Birch", None, "portal"))
        if isinstance(done, Refusal):
            raise _unfit(done)
        deal, wakes, *_ = done
        self._work(wakes)
        self._both_sides(deal.id, "portal and CRM after the push")
        return deal

    def _approvals(self, deal: Deal) -> None:
        self._say("4. Two approvals", f"{DISTRIBUTOR} approves in the portal, the vendor in the CRM; each is seen on the other side.")
        moved = approve(
            self._tenant, deal.id, track=Track.DISTRIBUTOR, decision=Decision.APPROVE, actor_name="Dora Lind", company=DISTRIBUTOR
        )
        if isinstance(moved, Refusal):
            raise _unfit(moved)
        self._work(moved[1])
        self._edit_in_crm(self._home(deal.id), "vendor_approval", "approved")
        self._remote.advance_clock(SETTLING_S)
        self._pull()
        self._both_sides(deal.id, "portal and CRM after both approvals")

    def _bad_record(self) -> None:
        self._say("5. A bad record does not stop the others", "It waits as a failure, and resolves itself when it has been corrected.")
        with self._tenant.store.reading(self._tenant.name) as tx:
            broken = [row.failure for row in failures.listed(tx) if row.failure.kind == "failure"]
        self._table([{"code": f.code, "record": f.record, "message": f.message} for f in broken], ("code", "record", "message"))
        for failure in broken:
            self._edit_in_crm(Home(failure.object, failure.record), failure.field, "annual")
        self._remote.advance_clock(SETTLING_S)
        self._pull()
        with self._tenant.store.reading(self._tenant.name) as tx:
            self._line(f"corrected in the CRM and pulled again: {failures.counts(tx).get('failure', 0)} failures open")

    def _settled(self) -> Ending:
        self._say("6. At rest", "Our own writes come back as echoes; past the look-back a second run reads what changed: nothing.")
        self._remote.advance_clock(SETTLING_S)
        self._pull()
        first = self._sums()
        self._remote.advance_clock(PAST_LOOK_BACK_S)
        self._pull()
        second = self._sums()
        compared = compare(self._tenant)
        tally = {name: int(getattr(first, name)) for name in TALLY}
        again = {"2nd run: changes": second.applied - first.applied, "writes": second.written - first.written}
        self._line(
            f"read {first.read} = applied {first.applied} + unchanged {first.unchanged} + skipped {first.skipped} + failed {first.failed}"
        )
        self._line(f"2nd run: {again['2nd run: changes']} changes, {again['writes']} writes")
        self._line(
            f"both sides equal: {compared.differences or 'yes'}, {compared.field_count} fields of {compared.counts.read} records compared"
        )
        return Ending({**tally, "API calls": first.calls, **again}, len(compared.differences), self._holds())

    # ── working ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _pull(self) -> None:
        for name in self._tenant.readable_records():
            self._work([Wake("pull", name)])

    def _work(self, wakes: Iterable[Wake]) -> None:
        """Sends the work to the actors and waits until the queue is empty, what followed from it included."""
        self._actors.wake(self._tenant.name, wakes)
        self._queue.join("live")
        self._worker.join()
        with self._tenant.store.reading(self._tenant.name) as tx:
            stopped = [row.failure for row in failures.listed(tx) if row.failure.stage == "pull"]
        if stopped:
            raise TransientError(f"the story ends here, {stopped[0].name} did not go through: {stopped[0].message}")

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
            "contracts: naming nobody": unbound,
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
        self._table(rows, ("field", "portal", "CRM"), title=f"{title} ({record.native} {home.crm_id})")

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _say(self, title: str, words: str) -> None:
        if not self._is_quiet:
            out.print(f"\n[bold]{title}[/bold]\n{words}\n", highlight=False)

    def _line(self, words: str) -> None:
        if not self._is_quiet:
            out.print(words, markup=False, highlight=False)

    def _table(self, rows: list[dict[str, Any]], columns: tuple[str, ...], *, title: str = "") -> None:
        if not self._is_quiet:
            show_table(rows, columns=columns, title=title)
            out.print()


def _counted(what: str, values: Iterable[str]) -> dict[str, int]:
    return {f"{what}: {value}": count for value, count in sorted(Counter(values).items())}


def _unfit(refused: Refusal) -> RuntimeError:
    return RuntimeError(f"the sandbox's cast has changed, the demo no longer fits it: {refused.why}")


def _named(company: Company | None) -> Company:
    if company is None:
        raise RuntimeError("the sandbox's cast has changed; the demo no longer fits it")
    return company
