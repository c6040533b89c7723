"""An idempotency key: the same request again gets the first answer, which is kept in the commit of the change it tells of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Request, Response, UploadFile

from sync_worker.domain.core.deal import Refusal, StaleVersion
from sync_worker.steps.deals.move import Finish, Moved
from sync_worker.steps.people.answer import Keep, answer_once
from sync_worker.store.core.engine import Tx
from sync_worker.store.people.answers import Answer, Ask, Taken
from sync_worker.web.api.core.authentication import PRINTABLE, PersonalVisit, Visit, again
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import pieces_of, response_of
from sync_worker.web.api.core.views import etag_of, show
from sync_worker.web.api.core.visibility import deal_seen, reader

Key: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A text that you choose, new for each request. A request that is sent again with the same text gets the first answer.",
        min_length=1, max_length=200, pattern=PRINTABLE,
    ),
]  # fmt: skip
_TAKEN = {
    Taken.UNDER_WAY: Refusal(
        "request_under_way", "the same request is being worked on", "the same caller, in a moment", field="Idempotency-Key"
    ),
    Taken.OTHER_REQUEST: Refusal(
        "key_of_other_request", "this key was used for another request", "a new key for each new request", field="Idempotency-Key"
    ),
}


@dataclass(frozen=True, slots=True)
class Once:
    """What this request is called, if it has a name. **Shapes** `key` None: asked twice, it is done twice."""

    key: str | None
    request_hash: str

    def answer(self, visit: Visit, work: Callable[[Keep], Answer]) -> Response:
        """The work's answer, or the first one."""
        if self.key is None:
            return response_of(work(lambda _tx, _answer: None))
        services = visit.api.installation.services
        ask = Ask(visit.token.id, self.key, self.request_hash, services.new_id())
        found = answer_once(visit.api.installation.store, visit.portal, ask, work)
        if isinstance(found, Taken):
            raise Refused(_TAKEN[found], headers={"Retry-After": "1"} if found is Taken.UNDER_WAY else {})
        return response_of(found)

    def moved(self, visit: PersonalVisit, do: Callable[[Finish], Moved | Refusal], shown: Callable[[Tx, Moved], Answer]) -> Response:
        """A move of a deal: what is shown of it is made, and kept, inside its commit; what it made due is told after that.

        Nothing is done in the name of a person who went while the request waited for its turn.
        """

        def work(keep: Keep) -> Answer:
            made: list[Answer] = []

            def finish(tx: Tx, moved: Moved) -> None:
                again(tx, visit)
                made.append(shown(tx, moved))
                keep(tx, made[-1])

            moved = do(finish)
            if isinstance(moved, Refusal):
                return of_refusal_of_deal(visit, moved)
            visit.api.follow_ups(visit.portal, moved.follow_ups)
            return made[-1]

        return self.answer(visit, work)


def of_refusal_of_deal(visit: PersonalVisit, refusal: Refusal) -> Answer:
    """With the deal as it is now, where the asker's was stale and may still be looked at."""
    if not isinstance(refusal, StaleVersion) or refusal.deal is None:
        return of_refusal(Refused(refusal))
    with visit.tenant.store.reading(visit.portal) as tx:
        stored = deal_seen(tx, visit, refusal.deal.id)
        current = show(tx, visit.tenant, stored, visit.actor, reader(visit)) if stored else None
    headers = {"ETag": etag_of(stored.version)} if stored else {}
    return of_refusal(Refused(refusal, headers=headers), current=current)


async def _once(request: Request, key: Key = None) -> Once:
    asked = [
        request.method,
        request.url.path,
        request.url.query,
        request.headers.get("acting-user", ""),
        request.headers.get("if-match", ""),
    ]
    return Once(key, hashlib.sha256("\n".join(asked).encode() + b"\n" + await request.body()).hexdigest())


def once_of_file(request: Request, key: str | None, file: UploadFile) -> Once:
    """The same for a file that was uploaded: by its content and name, for a form is written in another way each time."""
    asked = [request.method, request.url.path, request.headers.get("acting-user", ""), file.filename or ""]
    digest = hashlib.sha256("\n".join(asked).encode())
    for piece in pieces_of(file.file):
        digest.update(piece)
    file.file.seek(0)
    return Once(key, digest.hexdigest())


OnceOnly: TypeAlias = Annotated[Once, Depends(_once)]
