"""A story: how a portal stands when it begins, and what is done then, act by act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sync_worker.domain.sync.ingest import brake
from tests.simulation.world import FAST, Setting

if TYPE_CHECKING:
    from tests.crashes.scene import Scene

Act: TypeAlias = "Callable[[Scene], object]"


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@dataclass(frozen=True, slots=True)
class Story:
    """**Shapes** `begins`: what is lived before, without a crash. `acts`: what is done; an act that a worker died in is done again by the
    next one, so it must bear that. `crms`: where it is lived; `portal`: lines of the portal file, by the key that they replace;
    `patched`: what is small, or different, while it is lived; `few_count`: how many the brake always lets go.
    `is_judged`: whether the end-state rules know enough of it to judge it.
    """

    name: str
    words: str
    begins: tuple[Act, ...]
    acts: tuple[Act, ...]
    crms: tuple[str, ...] = FAST
    portal: Mapping[str, str] = field(default_factory=dict)
    patched: Callable[[], AbstractContextManager[object]] = _as_it_is
    page_count: int = 3
    chunk_count: int = 2
    batch_count: int = 3
    few_count: int = brake.FEW_COUNT
    is_judged: bool = True

    @property
    def setting(self) -> Setting:
        """How small everything is cut: the least that still has a second page, a second commit and a second call."""
        return Setting("", True, "accept", self.page_count, self.chunk_count, self.batch_count, 0.0, self.few_count)
