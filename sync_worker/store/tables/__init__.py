"""Tables and constraints. Every key begins with `portal`; times are aware UTC; money is decimal; what JSON holds is said beside it.

Text has no length here: PostgreSQL would refuse a whole page for one long value, and SQLite would not even notice.
"""

from __future__ import annotations

from sync_worker.store.tables.associations import company_pasts, evaluations, past_contracts, rule_members, rule_names
from sync_worker.store.tables.brake import removals
from sync_worker.store.tables.columns import metadata
from sync_worker.store.tables.companies import aliases, companies, contract_values
from sync_worker.store.tables.deals import conflicts, deal_changes, deal_links, deals
from sync_worker.store.tables.distributors import agreements, company_links, licences, mails, prices, quotes, subgroups, terms, waivers
from sync_worker.store.tables.doors import answers, tokens
from sync_worker.store.tables.feed import deliveries, events, feeds
from sync_worker.store.tables.ground import catalogs, cursors, halts, portals, processes, runs, sweeps
from sync_worker.store.tables.people import memberships, users
from sync_worker.store.tables.work import backfills, breakers, failures, interventions, notices, outbox, strangers, tries, unlearned_sends

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
    "contract_values",
    "cursors",
    "deal_changes",
    "deal_links",
    "deals",
    "deliveries",
    "evaluations",
    "events",
    "failures",
    "feeds",
    "halts",
    "interventions",
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
    "users",
    "waivers",
]
