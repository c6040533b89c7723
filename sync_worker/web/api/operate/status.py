"""The status of processes and portal, as `sync-worker status` shows it. A token is of one portal, and so is its status."""

from __future__ import annotations

from dataclasses import asdict

from sync_worker.domain.operate.status import PortalStanding
from sync_worker.steps.operate.status import status
from sync_worker.web.api.core.authentication import Operating
from sync_worker.web.api.core.route import portal_router
from sync_worker.web.api.operate import status_shapes

router = portal_router("operator")


@router.get("/operate/status")
def get_status(visit: Operating) -> status_shapes.StatusView:
    """Returns how the processes and the portal stand, and what needs a person. No CRM is asked for it."""
    installation = visit.api.installation
    found = status(installation.store, installation.release, [(visit.tenant, installation.budget(visit.portal))])
    return status_shapes.StatusView(
        at=found.at,
        release=status_shapes.ReleaseView(**asdict(found.release)),
        processes=[status_shapes.ProcessView(**asdict(one), is_silent=one.is_silent(found.at)) for one in found.processes],
        portal=_portal(found.portals[0]),
        needs=[status_shapes.NeedView(**asdict(need)) for need in found.needs],
    )


def _portal(one: PortalStanding) -> status_shapes.PortalStandingView:
    return status_shapes.PortalStandingView.model_validate(one.document())
