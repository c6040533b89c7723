"""Every table of the schema. Code that needs all tables imports them from here; code that needs a few imports them from their folder."""

from __future__ import annotations

from sync_worker.store.associations.tables import company_pasts, contract_values, evaluations, past_contracts, rule_members, rule_names
from sync_worker.store.core.columns import metadata
from sync_worker.store.core.tables import aliases, catalogs, companies, cursors, deliveries, events, failures, feeds, portals, runs
from sync_worker.store.deals.tables import conflicts, deal_changes, deal_files, deal_links, deal_notes, deals, licences, prices, quotes
from sync_worker.store.distributors.tables import agreements, subgroups, terms, waivers
from sync_worker.store.operate.tables import consents, grants, halts, interventions, processes, sweeps, tries
from sync_worker.store.people.tables import answers, group_companies, memberships, tokens, user_groups, users
from sync_worker.store.sync.tables import (
    backfills,
    breakers,
    company_links,
    notices,
    outbox,
    removals,
    strangers,
    unlearned_sends,
    webhooks,
)
from sync_worker.store.tell.tables import journey_log, journey_versions, journeys, mails

__all__ = [
    "agreements",
    "aliases",
    "answers",
    "backfills",
    "breakers",
    "catalogs",
    "companies",
    "company_links",
    "company_pasts",
    "conflicts",
    "consents",
    "contract_values",
    "cursors",
    "deal_changes",
    "deal_files",
    "deal_links",
    "deal_notes",
    "deals",
    "deliveries",
    "evaluations",
    "events",
    "failures",
    "feeds",
    "grants",
    "group_companies",
    "halts",
    "interventions",
    "journey_log",
    "journey_versions",
    "journeys",
    "licences",
    "mails",
    "memberships",
    "metadata",
    "notices",
    "outbox",
    "past_contracts",
    "portals",
    "prices",
    "processes",
    "quotes",
    "removals",
    "rule_members",
    "rule_names",
    "runs",
    "strangers",
    "subgroups",
    "sweeps",
    "terms",
    "tokens",
    "tries",
    "unlearned_sends",
    "user_groups",
    "users",
    "waivers",
    "webhooks",
]
