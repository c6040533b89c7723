"""How many calls an account may make: in ten seconds, in a day, and searches in a second. By the sandbox's clock.

call ─▶ left of the day? ─▶ left of these ten seconds? (a search: of this second?) ─▶ counted | the policy that says no

A search counts for the day and for its own second, not for the ten. A call that is refused counts for nothing (our choice).
Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

Policy = Literal["DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY"]
TEN_SECONDLY = {"free": 100, "professional": 190, "enterprise": 190}  # of a private app or a service key, by tier
TEN_SECONDLY_OAUTH = 110  # of an app with OAuth, which has no limit a day
DAILY = {"free": 250_000, "professional": 625_000, "enterprise": 1_000_000}
SECONDLY = 5  # searches of all apps of an account together
UNBOUND = 1_000_000  # what a sandbox begins with: far away, and still told in the headers
_INTERVAL_S = 10


@dataclass(frozen=True, slots=True)
class App:
    """Who calls, as the limits tell apps apart."""

    id: int
    is_oauth: bool = False


@dataclass(slots=True)
class CallWindow:
    """The calls of the last so many seconds."""

    length_s: float
    _times: deque[float] = field(default_factory=deque)

    def count(self, now_s: float) -> int:
        """How many there are. A clock that was set back leaves none in the future."""
        times = self._times
        while times and times[0] <= now_s - self.length_s:
            times.popleft()
        while times and times[-1] > now_s:
            times.pop()
        return len(times)

    def add(self, now_s: float) -> None:
        """One more."""
        self._times.append(now_s)


@dataclass(slots=True)
class AccountLimits:
    """An account's limits and what is used of them."""

    time_zone: ZoneInfo
    ten_secondly: int = UNBOUND
    ten_secondly_oauth: int = UNBOUND
    daily: int = UNBOUND
    secondly: int = UNBOUND
    used_today: int = 0
    _today: date | None = None
    _searches: CallWindow = field(default_factory=lambda: CallWindow(1))
    _window_by_app: dict[App, CallWindow] = field(default_factory=dict)

    def enforce(self, tier: str = "professional") -> None:
        """The vendor's own numbers for a tier from now on."""
        self.ten_secondly, self.ten_secondly_oauth = TEN_SECONDLY[tier], TEN_SECONDLY_OAUTH
        self.daily, self.secondly = DAILY[tier], SECONDLY

    def admit(self, app: App, now: datetime, *, is_search: bool) -> Policy | None:
        """Count a call, or name the policy that refuses it."""
        self._turn_day(now)
        window, most = (self._searches, self.secondly) if is_search else (self._window(app), self._most(app))
        if not app.is_oauth and self.used_today >= self.daily:
            return "DAILY"
        if window.count(now.timestamp()) >= most:
            return "SECONDLY" if is_search else "TEN_SECONDLY_ROLLING"
        window.add(now.timestamp())
        self.used_today += not app.is_oauth
        return None

    def use(self, count: int, now: datetime) -> None:
        """So many calls of the day are used up."""
        self._turn_day(now)
        self.used_today = count

    def headers(self, app: App, now: datetime) -> dict[str, str]:
        """What every answer but a search's says; an app with OAuth is not told of the day."""
        most = self._most(app)
        left = max(0, most - self._window(app).count(now.timestamp()))
        told = {"Max": most, "Remaining": left, "Interval-Milliseconds": _INTERVAL_S * 1000}
        if not app.is_oauth:
            self._turn_day(now)
            told |= {"Daily": self.daily, "Daily-Remaining": max(0, self.daily - self.used_today)}
        return {f"X-HubSpot-RateLimit-{name}": str(value) for name, value in told.items()}

    def _most(self, app: App) -> int:
        return self.ten_secondly_oauth if app.is_oauth else self.ten_secondly

    def _window(self, app: App) -> CallWindow:
        return self._window_by_app.setdefault(app, CallWindow(_INTERVAL_S))

    def _turn_day(self, now: datetime) -> None:
        """The day begins at midnight where the account is."""
        today = now.astimezone(self.time_zone).date()
        if today != self._today:
            self._today, self.used_today = today, 0
