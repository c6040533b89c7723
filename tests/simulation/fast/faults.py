"""What goes wrong with a vendor's calls: ordered by a seed, counted when it happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """One trouble. **Shapes** `calls`: the kinds it befalls; `times`: how many of them; `after`: how many pass before."""

    name: str
    calls: frozenset[str]
    times: int = 1
    after: int = 0


@dataclass(slots=True)
class Trouble:
    """All of it. **Shapes** `hits`: how often each trouble has come true."""

    orders: list[Fault] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def order(self, fault: Fault) -> None:
        self.orders.append(fault)

    def clear(self) -> None:
        self.orders.clear()

    def strikes(self, call: str, *names: str) -> str:
        """Which of these troubles befalls this call; "" for none. It is used up by that."""
        for fault in self.orders:
            if fault.name not in names or call not in fault.calls:
                continue
            if fault.after:
                fault.after -= 1
                return ""
            fault.times -= 1
            if not fault.times:
                self.orders.remove(fault)
            self.hits[fault.name] += 1
            return fault.name
        return ""
