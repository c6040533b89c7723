"""A signal can come at any moment: while the main thread holds the lock of the event that the signal sets, or just before it waits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import HANG_S

HELD = """
import signal, threading
from sync_worker.{module} import {name}

with {name}({words}) as found:
    event = {event}
    with event._cond:  # as between two steps of `event.wait()`
        signal.raise_signal(signal.SIGTERM)
    assert event.wait(10)
print("stopped")
"""

MISSED = """
import signal, threading, time
from sync_worker.cli.operate.processes import _started
from sync_worker.services import wait_for_signal

def send():
    while not event._cond._waiters:
        time.sleep(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

with _started("web") as (_, event):
    threading.Thread(target=send, daemon=True).start()
    wait_for_signal(event)
print("stopped")
"""


@pytest.mark.parametrize(
    ("module", "name", "words", "event"),
    [
        ("cli.operate.processes", "_started", '"web"', "found[1]"),
        ("cli.core.command", "stopping_gently", "", "found.is_stopping.__self__"),
    ],
    ids=["a process", "a command"],
)
def test_a_signal_that_meets_the_lock_of_its_event_still_stops(module: str, name: str, words: str, event: str) -> None:
    # Given a process whose main thread holds the lock of the event
    program = HELD.format(module=module, name=name, words=words, event=event)
    # When SIGTERM comes in that moment
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=HANG_S, check=False)
    # Then the process does not hang, and the event is set
    assert "stopped" in done.stdout, done.stderr


def test_a_signal_that_does_not_wake_the_main_thread_still_stops() -> None:
    # Given a process whose main thread waits
    # When SIGTERM comes in another thread, so that it does not break the wait
    done = subprocess.run([sys.executable, "-c", MISSED], capture_output=True, text=True, timeout=HANG_S, check=False)
    # Then the process stops all the same
    assert "stopped" in done.stdout, done.stderr
