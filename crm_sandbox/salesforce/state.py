"""One running sandbox Salesforce: its org and everything that holds on to it. A reset swaps the org under the routes."""

from dataclasses import dataclass, field, replace
from random import Random

from starlette.requests import Request

from crm_sandbox.calls import Call, Calls
from crm_sandbox.clock import Clock
from crm_sandbox.faults import Faults
from crm_sandbox.latency import Latency
from crm_sandbox.salesforce.bulk.extract import Extracts
from crm_sandbox.salesforce.bulk.load import Loads
from crm_sandbox.salesforce.data.locks import RowLocks
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.records import RecordWriter, SalesforceAuthor
from crm_sandbox.salesforce.data.seed import SalesforceSizes, seeded
from crm_sandbox.salesforce.login.auth import OrgSessions, Session
from crm_sandbox.salesforce.push.outbox import MessageOutbox
from crm_sandbox.salesforce.soql.queries import Queries
from crm_sandbox.salesforce.tooling.fields import CustomFields
from crm_sandbox.salesforce.wire import errors
from crm_sandbox.salesforce.wire.kinds import KINDS
from crm_sandbox.salesforce.wire.replies import ordered_refusal
from crm_sandbox.waits import ClockWaits


@dataclass(slots=True)
class SalesforceState:
    """What the routes share."""

    sizes: SalesforceSizes
    clock: Clock
    base_url: str
    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=lambda: Faults(KINDS))
    latency: Latency = field(default_factory=lambda: Latency(KINDS))
    waits: ClockWaits = field(init=False)
    row_locks: RowLocks = field(init=False)
    rng: Random = field(init=False)
    org: Org = field(init=False)
    auth: OrgSessions = field(init=False)
    queries: Queries = field(init=False)
    custom_fields: CustomFields = field(init=False)
    field_queries: Queries = field(init=False)
    extracts: Extracts = field(init=False)
    loads: Loads = field(init=False)
    outbox: MessageOutbox = field(init=False)

    def __post_init__(self) -> None:
        self.rng = Random(self.sizes.seed)  # never begins again: a token of before a reset must not come back
        self.waits = ClockWaits(self.clock)
        self.row_locks = RowLocks(self.waits)
        self._begin()

    def reset(self) -> None:
        """Seed again: records, tokens, locators, rules, faults, waits and counts begin again; the clock stays."""
        self.outbox.clear()
        for book in (self.extracts.book, self.loads.book):
            book.stop()
        self.org.store.close()
        self.custom_fields.shelf.store.close()
        self.calls.reset()
        self.faults.clear()
        self.latency.clear()
        self.row_locks.clear()
        self._begin()

    def _begin(self) -> None:
        self.org = seeded(self.sizes, self.clock)
        self.auth = OrgSessions(self.org, self.rng, self.base_url)
        self.queries = Queries(self.org, self.rng)
        self.custom_fields = CustomFields(self.org)
        self.field_queries = Queries(self.custom_fields.shelf, self.rng)
        self.extracts = Extracts(self.org, self.queries)
        self.loads = Loads(self.org, self._refuse_row)
        auth = self.auth
        self.outbox = MessageOutbox(self.org, self.rng, lambda: auth.instance_url)

    def object_of_locator(self, locator: str) -> str | None:
        """The record type of an open locator, or of a bulk job."""
        books = (self.queries, self.extracts.book, self.loads.book)
        return next((found for book in books if (found := book.object_of(locator))), None)

    def session(self, request: Request) -> Session:
        """The session of an authenticated request; the door has let it in already."""
        session: Session = request.scope["sandbox.session"]
        return session

    def records(self, request: Request) -> RecordWriter:
        """Writes in the name of the request's user, with its header's switches."""
        return RecordWriter(self.org, self.author(request))

    def author(self, request: Request) -> SalesforceAuthor:
        """Who writes, as the request's headers say."""
        auto_assign = request.headers.get("sforce-auto-assign", "TRUE").strip().upper() != "FALSE"
        rule_header = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return SalesforceAuthor(
            self.session(request).user_id,
            auto_assign=auto_assign,
            allows_duplicates="allowsave=true" in rule_header,
            url_prefix=f"/services/data/v{request.path_params['version']}",
            locked=request.scope.get("sandbox.locked", frozenset()),
        )

    def refuse_by_order(self, request: Request, sobject: str) -> errors.SalesforceRefusal | None:
        """The refusal that a fault order wants for one record of this call, if any."""
        call: Call = request.scope["sandbox.call"]
        return self._ordered(replace(call, object=sobject))

    def _refuse_row(self, kind: str, sobject: str) -> errors.SalesforceRefusal | None:
        """The same for one row of a bulk job, which belongs to no single request."""
        return self._ordered(Call(kind, "GET", "/jobs/ingest", sobject))

    def _ordered(self, call: Call) -> errors.SalesforceRefusal | None:
        fault = self.faults.take_for_record(call)
        if fault is None or fault.error_code is None:
            return None
        return ordered_refusal(fault.error_code, fault.message, status=fault.status)
