"""One running sandbox HubSpot: its portal and everything that holds on to it. A reset swaps the portal under the routes."""

from dataclasses import dataclass, field
from random import Random
from zoneinfo import ZoneInfo

from starlette.requests import Request

from crm_sandbox.calls import Call, Calls
from crm_sandbox.clock import Clock
from crm_sandbox.faults import Faults
from crm_sandbox.hubspot.data.answers import AnswerHabits
from crm_sandbox.hubspot.data.lifecycle import HubspotLifecycle
from crm_sandbox.hubspot.data.linking import Linking
from crm_sandbox.hubspot.data.news import News
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor
from crm_sandbox.hubspot.data.search import Search
from crm_sandbox.hubspot.data.seed import HubspotSizes, seeded
from crm_sandbox.hubspot.data.shapes import Shapes
from crm_sandbox.hubspot.data.writing import RecordWrites
from crm_sandbox.hubspot.login.tokens import AccessToken, AccessTokens
from crm_sandbox.hubspot.push.events import events_of
from crm_sandbox.hubspot.push.outbox import WebhookOutbox
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.kinds import KINDS
from crm_sandbox.hubspot.wire.limits import AccountLimits
from crm_sandbox.hubspot.wire.locks import RecordLocks
from crm_sandbox.hubspot.wire.paths import is_dated, keeps_rules
from crm_sandbox.hubspot.wire.routing import version
from crm_sandbox.hubspot.wire.trouble import ordered_refusal
from crm_sandbox.latency import Latency
from crm_sandbox.waits import ClockWaits


@dataclass(slots=True)
class HubspotState:
    """What the routes share."""

    sizes: HubspotSizes
    clock: Clock
    base_url: str
    enforces_limits: bool = False
    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=lambda: Faults(KINDS))
    latency: Latency = field(default_factory=lambda: Latency(KINDS))
    record_locks: RecordLocks = field(default_factory=RecordLocks)
    waits: ClockWaits = field(init=False)
    rng: Random = field(init=False)
    portal: HubspotAccount = field(init=False)
    search: Search = field(init=False)
    shapes: Shapes = field(init=False)
    tokens: AccessTokens = field(init=False)
    limits: AccountLimits = field(init=False)
    outbox: WebhookOutbox = field(init=False)
    habits: AnswerHabits = field(init=False)

    def __post_init__(self) -> None:
        self.rng = Random(self.sizes.seed)  # never begins again: a token of before a reset must not come back
        self.waits = ClockWaits(self.clock)
        self._begin()

    def reset(self) -> None:
        """Seed again: records, tokens, rules, faults, waits and counts begin again; the clock stays."""
        self.outbox.clear()
        self.calls.reset()
        self.faults.clear()
        self.latency.clear()
        self.record_locks.clear()
        self.waits.look_again()
        self._begin()

    def _begin(self) -> None:
        self.portal = seeded(self.sizes, self.clock)
        self.habits = AnswerHabits()
        self.search = Search(self.portal)
        self.shapes = Shapes(self.portal, self.base_url)
        self.tokens = AccessTokens(self.rng)
        self.limits = AccountLimits(ZoneInfo(self.portal.time_zone))
        if self.enforces_limits:
            self.limits.enforce(self.portal.tier)
        self.outbox = WebhookOutbox(self.portal, self.rng)
        self.portal.listeners.append(self._heard)

    def _heard(self, news: News) -> None:
        if self.outbox.settings is not None:
            self.outbox.tell(events_of(news))

    def token(self, request: Request) -> AccessToken:
        """Who asks; the door has let them in already."""
        token: AccessToken = request.scope["sandbox.token"]
        return token

    def author(self, request: Request) -> HubspotAuthor:
        """The request's app."""
        asked, app_id = version(request), self.token(request).install.app_id
        return HubspotAuthor(source_id=str(app_id), is_dated=is_dated(asked), keeps_rules=keeps_rules(asked))

    def writing(self, request: Request) -> RecordWrites:
        """Writes in the name of the request's app."""
        return RecordWrites(self.portal, self.author(request))

    def linking(self, request: Request) -> Linking:
        """Associations in its name."""
        return Linking(self.portal, self.author(request))

    def lifecycle(self, request: Request) -> HubspotLifecycle:
        """Merges in its name."""
        return HubspotLifecycle(self.portal, self.author(request))

    def refuse_by_order(self, request: Request) -> HubspotRefusal | None:
        """The refusal that a fault order wants for one record of this call, if any."""
        call: Call = request.scope["sandbox.call"]
        fault = self.faults.take_for_record(call)
        if fault is None or fault.error_code is None:
            return None
        return ordered_refusal(fault.error_code, fault.message, status=fault.status)
