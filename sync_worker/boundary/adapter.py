"""How requests sends: a whole answer comes before a deadline, through a proxy too."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter

from sync_worker.boundary import deadline


class DeadlineAdapter(HTTPAdapter):
    """Every request through it needs a time-out."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = deadline.POOLS

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = deadline.POOLS
        return manager
