"""A sandbox started as a thread of this process or as a process of its own, waited for, and stopped again.

    with serve_thread(SalesforceOptions(companies=20)) as base_url:
        ...

Port 0 takes any free one. Stopping is graceful: a request in hand is answered first.
"""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from crm_sandbox.clock import Clock
from crm_sandbox.hubspot.app import hubspot_app
from crm_sandbox.hubspot.data.seed import HubspotSizes
from crm_sandbox.hubspot.login.credentials import SANDBOX_TOKEN
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.salesforce.app import salesforce_app
from crm_sandbox.salesforce.data.seed import SalesforceSizes
from crm_sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.salesforce.state import SalesforceState

HOST = "127.0.0.1"
READY = "sandbox {} ready at "  # what a process prints, followed by its address, once it answers
START_TIMEOUT_S = 60  # a million records take about that long to seed
STOP_TIMEOUT_S = 10
_KEEP_ALIVE_S = 120  # on a busy machine a client waits longer than uvicorn's five seconds, and would send into a closing connection
_MAX_REQUEST_BYTES = 1 << 20  # of a request's head; the vendor's own, smaller bound is the door's business

__all__ = [
    "SANDBOX_CLIENT_ID",
    "SANDBOX_CLIENT_SECRET",
    "SANDBOX_TOKEN",
    "HubspotOptions",
    "Options",
    "SalesforceOptions",
    "run",
    "serve_process",
    "serve_thread",
]


@dataclass(frozen=True)
class SalesforceOptions:
    """How much there is in the org, how tidy it is, and what time it is there (None: the machine's).

    `clean`: as it is delivered, without a field of an admin's.
    """

    companies: int = 300
    leads: int = 40
    opportunities: int = 60
    seed: int = 7
    every_company_active: bool = False
    every_opportunity_has_partner: bool = False
    clean: bool = False
    now: datetime | None = None

    def app(self, base_url: str) -> ASGIApp:
        """The org at an address."""
        wish = asdict(self)
        clock = Clock(wish.pop("now"))
        return salesforce_app(SalesforceState(SalesforceSizes(**wish), clock, base_url))


@dataclass(frozen=True)
class HubspotOptions:
    """How much there is in the portal, how tidy it is, what has been paid for, and what time it is there (None: the machine's).

    `clean`: as it is delivered, without a property or a label of an admin's.
    """

    companies: int = 300
    deals: int = 60
    inquiries: int = 40
    seed: int = 7
    every_company_active: bool = False
    every_deal_has_partner: bool = False
    clean: bool = False
    tier: str = "professional"
    time_zone: str = "US/Eastern"
    enforces_limits: bool = False
    now: datetime | None = None

    def app(self, base_url: str) -> ASGIApp:
        """The portal at an address."""
        wish = asdict(self)
        clock, enforces_limits = Clock(wish.pop("now")), wish.pop("enforces_limits")
        return hubspot_app(HubspotState(HubspotSizes(**wish), clock, base_url, enforces_limits=enforces_limits))


Options = SalesforceOptions | HubspotOptions
CRM_BY_OPTIONS: dict[type[Options], str] = {SalesforceOptions: "salesforce", HubspotOptions: "hubspot"}


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _bound(port: int) -> socket.socket:
    # asyncio turns Nagle off only for sockets that say they are TCP; without it every answer takes 40 ms.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((HOST, port))
    return found


def _server(options: Options, base_url: str) -> _Server:
    return _Server(
        uvicorn.Config(
            options.app(base_url),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            h11_max_incomplete_event_size=_MAX_REQUEST_BYTES,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=2,
        )
    )


def _address(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


@contextmanager
def serve_thread(options: Options, *, port: int = 0) -> Iterator[str]:
    """A sandbox in a thread of this process; yields its address."""
    listener = _bound(port)
    try:
        server = _server(options, _address(listener))
    except BaseException:
        listener.close()
        raise
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    base_url = _address(listener)
    thread.start()
    try:
        if not server.ready.wait(START_TIMEOUT_S):
            raise TimeoutError(f"the sandbox did not start within {START_TIMEOUT_S} s")
        yield base_url
    finally:
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)


@contextmanager
def serve_process(options: Options, *, port: int = 0, log_path: Path | None = None) -> Iterator[str]:
    """A sandbox in a process of its own; yields its address. What it has to say goes to `log_path`, or nowhere."""
    crm = CRM_BY_OPTIONS[type(options)]
    command, ready = [sys.executable, "-m", "crm_sandbox", crm, "--port", str(port), *_flags(options)], READY.format(crm)
    with (log_path or Path("/dev/null")).open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # noqa: S603 - our own interpreter
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            line = process.stdout.readline().decode().strip()
            if not line.startswith(ready):
                _stop(process)  # it may live on
                raise ChildProcessError(
                    f"the sandbox said {line!r} instead of starting, and ended with {process.returncode}; see {log.name}"
                )
            yield line.removeprefix(ready)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _flags(options: Options) -> list[str]:
    flags: list[str] = []
    for name, value in asdict(options).items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value not in (None, False):
            flags += [flag, value.isoformat() if isinstance(value, datetime) else str(value)]
        elif value == 0 and not isinstance(value, bool):
            flags += [flag, "0"]
    return flags


def run(options: Options, *, port: int) -> None:
    """Serve in this process until SIGTERM or SIGINT; the ready line goes to standard output."""
    listener = _bound(port)
    server = _server(options, _address(listener))
    threading.Thread(target=_announce, args=(server, READY.format(CRM_BY_OPTIONS[type(options)]) + _address(listener)), daemon=True).start()
    # uvicorn stops by itself on these, then raises them again for the handler before: ours, with nothing left to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run(sockets=[listener])


def _announce(server: _Server, words: str) -> None:
    if server.ready.wait(START_TIMEOUT_S):
        print(words, flush=True)
