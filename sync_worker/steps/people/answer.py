"""ANSWER: a request that names an idempotency key is worked on once; a client that asks again gets the first answer.

The answer is kept in the commit of the change: `work` is given `keep(tx, answer)`, for the step to call inside its transaction. A crash
before that commit changed nothing and frees the key within a minute; one after it loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from sync_worker.errors import StaleRead, StoreDown
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.people import answers
from sync_worker.store.people.answers import Answer, Ask, Taken

Keep: TypeAlias = Callable[[Tx, Answer], None]
SERVER_ERROR = 500  # from here on an answer is of the moment, and the next try may go better


def answer_once(store: Store, portal: str, ask: Ask, work: Callable[[Keep], Answer]) -> Answer | Taken:
    """The answer of `work`, or the first one that was given, or why neither.

    **Raises** what `work` raises; StaleRead when it outlasted its claim and somebody else answered meanwhile: then nothing was changed.
    """
    with store.side_transaction(portal) as tx:
        earlier = answers.begin(tx, ask)
    if earlier is not None:
        return earlier
    try:
        answer = work(lambda tx, kept: answers.settle(tx, ask, kept))
    except BaseException:
        with suppress(StoreDown), store.side_transaction(portal) as tx:
            answers.let_go(tx, ask)
        raise
    with store.side_transaction(portal) as tx:
        if answer.status >= SERVER_ERROR:
            answers.let_go(tx, ask)
        else:
            with suppress(StaleRead):  # kept already, with the change
                answers.settle(tx, ask, answer)
    return answer
