"""One running sandbox HubSpot: its portal and everything that holds on to it. A reset swaps the portal under the routes."""

from dataclasses import dataclass, field
from random import Random

from starlette.requests import Request

from sync_worker.sandbox.calls import Call, Calls
from sync_worker.sandbox.clock import Clock
from sync_worker.sandbox.faults import Faults
from sync_worker.sandbox.hubspot.auth import Auth, Grant
from sync_worker.sandbox.hubspot.errors import Refusal
from sync_worker.sandbox.hubspot.kinds import KINDS
from sync_worker.sandbox.hubspot.paths import is_dated
from sync_worker.sandbox.hubspot.portal import Portal
from sync_worker.sandbox.hubspot.routing import version
from sync_worker.sandbox.hubspot.search import Search
from sync_worker.sandbox.hubspot.seed import Sizes, seeded
from sync_worker.sandbox.hubspot.writing import Author, Writing


@dataclass(slots=True)
class State:
    """What the routes share."""

    sizes: Sizes
    clock: Clock
    base_url: str
    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=lambda: Faults(KINDS))
    rng: Random = field(init=False)
    portal: Portal = field(init=False)
    search: Search = field(init=False)
    auth: Auth = field(init=False)

    def __post_init__(self) -> None:
        self._begin()

    def reset(self) -> None:
        """Seed anew: records, tokens, rules, faults and counts begin again; the clock stays."""
        self.calls.reset()
        self.faults.clear()
        self._begin()

    def _begin(self) -> None:
        self.rng = Random(self.sizes.seed)
        self.portal = seeded(self.sizes, self.clock)
        self.search = Search(self.portal)
        self.auth = Auth()

    def grant(self, request: Request) -> Grant:
        """What the request may do; the door has let it in already."""
        grant: Grant = request.scope["sandbox.grant"]
        return grant

    def writing(self, request: Request) -> Writing:
        """Writes in the name of the request's app."""
        author = Author(source_id=self.grant(request).app_id, is_dated=is_dated(version(request)))
        return Writing(self.portal, author)

    def refuse_by_order(self, request: Request) -> Refusal | None:
        """The refusal that a fault order wants for one record of this call, if any."""
        call: Call = request.scope["sandbox.call"]
        fault = self.faults.take_for_record(call)
        if fault is None or fault.error_code is None:
            return None
        return Refusal(fault.message or f"{fault.error_code} by order", fault.error_code, fault.status or 400)
