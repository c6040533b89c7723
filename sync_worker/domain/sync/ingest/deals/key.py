"""Our keys on the records of deals: whose each is, what to say of those that are not ours, and whether ours is to be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import KEY, Home, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, owed
from sync_worker.domain.core.ruling import SKIPPED, Ruling
from sync_worker.domain.sync.ingest.deals.change import DealRuling, HeldDeals, SoFar
from sync_worker.domain.sync.ingest.deals.record import DealRecord
from sync_worker.domain.sync.ingest.own_key import foreign_key, has_our_form, key_of, key_taken


def adopted(record: DealRecord, held: HeldDeals, so_far: SoFar) -> Link | None:
    """A record that carries a deal's key and is not linked yet: our own create, whose answer was lost."""
    link = held.adoptable.get(record.crm_id)
    return link if link and so_far.home(link.deal_id) is None else None


def copied(record: DealRecord, home: Home, held: HeldDeals) -> DealRuling:
    """The deal whose key this record carries has another record: it turned into this one, and that news is still to be read; or this one
    is a copy.
    """
    ruling: DealRuling = Ruling(record.crm_id, SKIPPED, "lives_elsewhere", record.name, is_judged=True)
    if home.object != held.object:
        return ruling._replace(read_again=((home.object, home.crm_id),))
    return ruling._replace(problems=(key_taken(held.key_field, record.stripped_key, home.crm_id),))


def lost_id(record: DealRecord, held: HeldDeals) -> str:
    """The id of the deal that the database lost: one of our keys that it does not know; "" where there is none."""
    key = record.stripped_key
    return key if has_our_form(key) and key not in held.deals else ""


def key_problems(record: DealRecord, deal_id: str, held: HeldDeals) -> Iterator[Problem]:
    """A key on a deal's record that is not ours, and stays where it is."""
    key = record.stripped_key
    if key and key != deal_id and key not in held.deals:
        yield foreign_key(held.key_field, key, deal_id)


def is_owed(link: Link, deal: Deal, held: HeldDeals, waiting: Set[str] = frozenset()) -> bool:
    """Whether the CRM is owed what the portal holds otherwise, except fields that wait for a person; or our key, where there is none or
    that of another deal of ours was left over.
    """
    key = key_of(link.base[KEY].crm)
    is_key_owed = key != link.deal_id and (not key or key in held.deals)
    return is_key_owed or bool(owed(held.rules, base=link.base, portal=deal.values, is_create=False, waiting=waiting))


def with_key(base: Mapping[str, Base], record: DealRecord) -> dict[str, Base]:
    """What both sides agree on, with our key as the record carries it."""
    known = base.get(KEY, Base(None, None))
    return {**base, KEY: known if known.crm == record.key else Base(None, record.key)}
