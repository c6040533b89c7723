"""Whatever is changed, refused, killed and tried again: every event arrives at least once, with one id, in order per record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_worker.domain.tell.delivery import ReceiverAnswer
from sync_worker.receiver import Receiver
from tests.integration.feed.desk import desk, receiver_of
from tests.integration.feed.inbox import SECRET, Inbox, Reply
from tests.patience import HANG_S
from tests.servers import Clock, sqlite_store

DELIVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tests.integration.feed.desk import desk, receiver_of
url, inbox, directory = sys.argv[1:]
with desk(url, lambda: datetime.now(UTC), receiver_of(inbox), Path(directory)) as portal:
    print("ready", flush=True)
    sys.stdin.readline()
    portal.tenant.services.clock()
    from sync_worker.steps.tell.deliver import deliver
    deliver(portal.tenant)
"""


def test_a_sender_killed_between_send_and_commit_sends_again_with_the_same_ids(sqlite_url: str, inbox: Inbox, tmp_path: Path) -> None:
    clock = Clock(datetime.now(UTC))
    with desk(sqlite_url, clock, receiver_of(inbox.url), tmp_path) as portal:
        for _ in range(5):
            portal.change("c1")
        sender = subprocess.Popen(
            [sys.executable, "-c", DELIVER, sqlite_url, inbox.url, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert sender.stdin
        assert sender.stdout
        assert sender.stdout.readline() == "ready\n"

        def kill_at_third(event: dict[str, Any]) -> Reply:
            if event["data"]["seq"] == 3:
                sender.send_signal(signal.SIGKILL)
                sender.wait()
            return 204, {}

        inbox.answer = kill_at_third
        sender.stdin.write("go\n")
        sender.stdin.flush()
        assert sender.wait(HANG_S) == -signal.SIGKILL
        for pipe in (sender.stdin, sender.stdout):
            pipe.close()
        assert portal.owed == 5

        inbox.answer = lambda _event: (204, {})
        portal.deliver(after_s=60)

        assert inbox.seqs == [1, 2, 3, 1, 2, 3, 4, 5]
        assert len(set(inbox.ids)) == 5
        assert portal.owed == 0


class Killed(BaseException):
    """The process ends here."""


class Wire(Receiver):
    """A receiver without a network: takes what a plan says, and may be the last thing its sender does."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", SECRET, clock=lambda: datetime.now(UTC))
        self.plan: list[int] = []
        self.taken: list[tuple[str, str, int]] = []

    def send(self, event_id: str, kind: str, at: datetime, data: Any) -> ReceiverAnswer:
        status = self.plan.pop() if self.plan else 204
        if status in (204, -1):
            self.taken.append((event_id, data["record"]["id"], data["seq"]))
        if status == -1:
            raise Killed
        return ReceiverAnswer(status, "as planned")


changes = st.tuples(st.just("change"), st.lists(st.sampled_from(["c1", "c2", "c3"]), min_size=1, max_size=3, unique=True))
sends = st.tuples(st.just("send"), st.lists(st.sampled_from([204, 204, 400, 503, 0, -1]), max_size=6))
waits = st.tuples(st.just("wait"), st.sampled_from([1, 10, 100, 1000, 100_000]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(changes, sends, waits), max_size=15))
def test_every_event_arrives_at_least_once_and_in_order_per_record(story: list[tuple[str, Any]]) -> None:
    clock, wire = Clock(), Wire()
    with TemporaryDirectory() as directory:
        sqlite_store(Path(directory), clock=clock).close()
        with desk(f"sqlite:///{directory}/sync-worker.db", clock, wire, Path(directory)) as portal:
            told = 0
            for act, what in story:
                if act == "change":
                    portal.change(*what)
                    told += len(what)
                elif act == "wait":
                    clock.forward(seconds=what)
                else:
                    wire.plan = list(what)
                    try:
                        portal.deliver()
                    except Killed:
                        clock.forward(seconds=31)  # its lease ends
            wire.plan = []
            for _ in range(6):
                portal.deliver(after_s=90_000)

            assert portal.owed == 0
    seen = dict.fromkeys(wire.taken)  # each once, as it first came
    assert {seq for _, _, seq in seen} == set(range(1, told + 1))
    assert len({event_id for event_id, _, _ in seen}) == told
    for record in ("c1", "c2", "c3"):
        mine = [seq for _, record_id, seq in seen if record_id == record]
        assert mine == sorted(mine)
