"""Why a page is not shown, or a change is not made."""

from __future__ import annotations


class TurnedAway(Exception):
    """In words for the person. **Shapes** `status`: of the answer."""

    def __init__(self, status: int, title: str, words: str) -> None:
        super().__init__(words)
        self.status, self.title, self.words = status, title, words
