"""The feed in the OpenAPI: one webhook for each type of event, as the portal's receiver meets it. `docs/feed.md` has the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header

from sync_worker.domain.tell.event import KINDS
from sync_worker.web.api.tell import feed_shapes
from sync_worker.web.api.tell.feed_shapes import EventBody

router = APIRouter(tags=["feed"])

_MODELS: Final = (
    feed_shapes.CompanyAdded,
    feed_shapes.CompanyChanged,
    feed_shapes.CompanyDeactivated,
    feed_shapes.AssociationsChanged,
    feed_shapes.DealRegistered,
    feed_shapes.DealChanged,
    feed_shapes.DealNoteAdded,
    feed_shapes.DealNoteChanged,
    feed_shapes.DealNoteRemoved,
    feed_shapes.DealFileAdded,
    feed_shapes.DealFileRemoved,
    feed_shapes.QuoteMade,
    feed_shapes.QuoteSent,
    feed_shapes.QuoteSigned,
    feed_shapes.PricesChanged,
    feed_shapes.LicenceIssued,
    feed_shapes.LicenceChanged,
    feed_shapes.SubgroupAdded,
    feed_shapes.SubgroupChanged,
    feed_shapes.SubgroupEnded,
    feed_shapes.TermsChanged,
    feed_shapes.AgreementAdded,
    feed_shapes.AgreementChanged,
    feed_shapes.NotificationCreated,
    feed_shapes.JourneyChanged,
    feed_shapes.UserChanged,
    feed_shapes.GroupJoined,
    feed_shapes.GroupLeft,
    feed_shapes.GroupChanged,
    feed_shapes.RecordsLoaded,
    feed_shapes.Ping,
)
_WORDS: Final[Mapping[str, str]] = {**KINDS, "ping": "A test: an operator tries whether the receiver answers. It is not an event."}
_WAIT: Final = {"headers": {"Retry-After": {"description": "The number of seconds to wait.", "schema": {"type": "string"}}}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    410: {"description": "Nothing listens at this address any more. The feed is paused until an operator resumes it."},
    429: {"description": "The receiver is busy. All events wait, as long as `Retry-After` says.", **_WAIT},
    503: {"description": "The receiver is down. All events wait, as long as `Retry-After` says.", **_WAIT},
    "default": {"description": "The receiver refuses the event. It is sent again later, for five days."},
}


def _webhook(model: type[EventBody]) -> Callable[..., None]:
    def webhook(
        said: Any,
        webhook_id: Annotated[str, Header(description="The id of the event. It is the same each time the event is sent.")],
        webhook_timestamp: Annotated[str, Header(description="When this call was signed, in seconds since 1970.", pattern="^[0-9]+$")],
        webhook_signature: Annotated[str, Header(description="The signatures of this call, as Standard Webhooks has them.")],
    ) -> None:
        """Documented here, and served by the portal."""

    webhook.__annotations__["said"] = model
    return webhook


for _model in _MODELS:
    (_kind,) = _model.model_fields["type"].annotation.__args__  # type: ignore[union-attr]  # a Literal of one type
    _model.__doc__ = _WORDS[_kind]
    router.add_api_route(
        _kind,
        _webhook(_model),
        methods=["POST"],
        operation_id="receive_" + _kind.replace(".", "_"),
        summary=_kind,
        description=_WORDS[_kind],
        status_code=204,
        response_description="The receiver has stored the event. Any status from 200 to 299 says so, within 15 seconds.",
        responses=_ANSWERS,
    )
