"""Which way a portal has to its CRM, and to the receiver of its feed."""

from __future__ import annotations

from collections.abc import Iterator

from sync_worker.config.portal import Portal
from sync_worker.connections.terms import Connect, Means, secret
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.errors import Mistake
from sync_worker.receiver import Receiver, UnsetReceiver
from sync_worker.services import Services


def connection_of(portal: Portal, means: Means) -> Connect:
    """The way to the portal's CRM. What a CRM needs is loaded where a portal has that CRM: Salesforce's client takes 20 MB."""
    if portal.crm.kind == "hubspot":
        from sync_worker.connections.hubspot import way_to_hubspot

        return way_to_hubspot(portal, means)
    from sync_worker.connections.salesforce import way_to_salesforce

    return way_to_salesforce(portal, means)


def misfits_of_webhooks(portal: Portal) -> Iterator[Mistake]:
    """Why Salesforce's webhooks could never be proven."""
    written = portal.crm.webhooks.organization_id
    if written is not None and canonical(written) is None:
        at = ("crm", "webhooks", "organization_id")
        yield portal.source.mistake(at, "the last three characters do not fit the others", "copy it again, or leave them out")


def receiver_of(portal: Portal, services: Services) -> Receiver | None:
    """The way to the portal's receiver, where it has a feed."""
    if portal.feed is None:
        return None
    if unset := [mistake for mistake in portal.unset if mistake.path.startswith("feed.")]:
        return UnsetReceiver(portal.source.at(("feed", "url")), unset)
    secrets = filter(None, (secret(portal.feed.secret), secret(portal.feed.previous_secret)))
    return Receiver(portal.feed.url, *secrets, clock=services.clock)
