"""Companies, inquiries, deals and people drawn from a seed: first the cast, then the many. They do not depend on a vendor.

The draws of one seed follow one another, so what is drawn in which order is part of what a seed means: companies,
inquiries, deals, people. Each is an iterator; take the next only when the one before is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from crm_sandbox.seed import cast, names
from crm_sandbox.seed.words import COUNTRIES, INDUSTRIES, PRODUCT_LINES, REGIONS, STAGES, TIERS

HISTORY_S = 2 * 365 * 24 * 3600  # how far back the records go
QUIET_S = 3600  # nothing changed in the last hour before the start
MAX_PEOPLE = 200
MAX_LISTED = 400  # distributors that contracts name; a multi-select cannot list thousands

_OPEN_STAGES = [name for name, is_closed, *_ in STAGES if not is_closed]
_EVERY_STAGE = [name for name, *_ in STAGES]
_REPS = range(len(cast.REPS))


@dataclass(frozen=True, slots=True)
class SeedWish:
    """How much, and how tidy."""

    companies: int
    inquiries: int
    deals: int
    seed: int
    every_company_active: bool = False
    every_deal_has_partner: bool = False


@dataclass(frozen=True, slots=True)
class Stamps:
    """When a record was made and last changed, in seconds since 1970."""

    created_s: int
    changed_s: int


@dataclass(frozen=True, slots=True)
class SeedCompany:
    """One company; `rep` is a place among the cast's reps."""

    name: str
    kind: str | None
    status: str | None
    contracts: tuple[str, ...]
    website: str
    rep: int
    industry: str
    country: str
    employees: int
    region: str
    tier: str
    product_lines: tuple[str, ...]
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A person from the web asks; the deal belongs to no partner."""

    first_name: str
    last_name: str
    company: str
    email: str
    is_worked_on: bool
    rep: int
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class SeedDeal:
    """One deal; `partner`, `second_partner` and `customer` are places among the companies."""

    name: str
    stage: str
    partner: int | None
    second_partner: int | None
    customer: int | None
    amount: float
    close_on: str
    source: str
    rep: int
    prospect: str | None
    deal_type: str
    licences: int
    term_years: int
    billing: str
    approval: str | None
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class SeedPerson:
    """One person at a company; `company` is its place."""

    company: int
    first_name: str
    last_name: str
    email: str
    source: str
    rep: int
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What deals and people ask of a company that was drawn before them."""

    place: int
    name: str
    kind: str | None
    status: str | None
    contracts: tuple[str, ...]


class SeedData:
    """One seed's data. `listed` are the distributors among the many that contracts may name."""

    def __init__(self, wish: SeedWish, now: datetime) -> None:
        self._wish, self._now, self._rng = wish, now, Random(wish.seed)
        self._stamp_s = self._moment()
        self._drawn: list[_Drawn] = []
        bulk = max(0, wish.companies - len(cast.COMPANIES))
        self._names = names.companies(self._rng, bulk)
        self._kinds = [self._kind() for _ in range(bulk)]
        pairs = zip(self._names, self._kinds, strict=True)
        self.listed = [name for name, kind in pairs if kind == "Distributor"][:MAX_LISTED]

    def companies(self) -> Iterator[SeedCompany]:
        """Every company: the cast first."""
        for member in cast.COMPANIES[: self._wish.companies]:
            yield self._company(member.name, member.kind, member.status, member.contracts, member.website)
        for name, kind in zip(self._names, self._kinds, strict=True):
            count = self._rng.choice((0, 1, 1, 2, 3)) if kind == "Partner" else 0
            listed = [*cast.GOOD_SECOND_PARTNERS, *self.listed]
            contracts = tuple(dict.fromkeys(self._rng.choices(listed, k=count))) if count else ()
            status = self._status()
            yield self._company(name, kind, status, contracts, names.website(name))

    def inquiries(self) -> Iterator[Inquiry]:
        """Every inquiry."""
        rng = self._rng
        for _ in range(self._wish.inquiries):
            first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
            company = names.prospect(rng)
            email = f"{first}.{last}@{names.domain(company)}".lower()
            yield Inquiry(first, last, company, email, rng.choice((False, True)), rng.choice(_REPS), self._stamps())

    def deals(self) -> Iterator[SeedDeal]:
        """Every deal: the cast's first."""
        first_by_name: dict[str, int] = {}
        for company in self._drawn:
            first_by_name.setdefault(company.name, company.place)
        for deal in cast.DEALS[: self._wish.deals]:
            ends = first_by_name.get(deal.partner or ""), first_by_name.get(deal.second_partner or "")
            yield self._deal(deal.name, deal.stage, *ends, deal)
        partners = [one for one in self._drawn if one.kind == "Partner" and one.status == "Active"]
        for _ in range(self._wish.deals - len(cast.DEALS)):
            prospect = names.prospect(self._rng)
            has_partner = self._wish.every_deal_has_partner or self._rng.random() < 0.7
            chosen = self._rng.choice(partners) if has_partner and partners else None
            second = None
            if chosen is not None and chosen.contracts and self._rng.random() < 0.6:
                second = first_by_name.get(self._rng.choice(chosen.contracts))
            name = f"{prospect} - {self._rng.choice(PRODUCT_LINES)}"
            stage = self._rng.choice(_OPEN_STAGES) if self._rng.random() < 0.75 else self._rng.choice(_EVERY_STAGE)
            partner = None if chosen is None else chosen.place
            yield self._deal(name, stage, partner, second, cast.CastDeal(name, stage, prospect=prospect))

    def people(self) -> Iterator[SeedPerson]:
        """One person at every second company; last of all, so that the draws before stay what they were."""
        rng = self._rng
        for company in self._drawn[1 : 2 * MAX_PEOPLE : 2]:
            first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
            email = f"{first}.{last}@{names.domain(company.name)}".lower().replace("'", "")
            source = rng.choice(("Web", "Partner Referral"))
            yield SeedPerson(company.place, first, last, email, source, rng.choice(_REPS), self._stamps())

    def _company(self, name: str, kind: str | None, status: str | None, contracts: tuple[str, ...], website: str) -> SeedCompany:
        rng = self._rng
        if self._wish.every_company_active and status is None:
            status = "Active"
        self._drawn.append(_Drawn(len(self._drawn), name, kind, status, contracts))
        return SeedCompany(
            name,
            kind,
            status,
            contracts,
            website,
            rep=rng.choice(_REPS),
            industry=rng.choice(INDUSTRIES),
            country=rng.choice(COUNTRIES),
            employees=rng.randrange(5, 5000),
            region=rng.choice(REGIONS),
            tier=rng.choice(TIERS),
            product_lines=tuple(rng.sample(PRODUCT_LINES, rng.randrange(1, 4))),
            stamps=self._stamps(),
        )

    def _deal(self, name: str, stage: str, partner: int | None, second: int | None, told: cast.CastDeal) -> SeedDeal:
        rng = self._rng
        approval = told.approval or (rng.choice((None, None, "Pending", "Approved")) if partner is not None else None)
        return SeedDeal(
            name,
            stage,
            partner,
            second,
            customer=rng.choice(self._drawn).place if self._drawn and rng.random() < 0.5 else None,
            amount=told.amount or rng.randrange(20, 4000) * 50.0,
            close_on=(self._now + timedelta(days=rng.randrange(10, 240))).date().isoformat(),
            source=rng.choice(("Web", "Partner Referral", "Phone Inquiry")),
            rep=rng.choice(_REPS),
            prospect=told.prospect,
            deal_type=rng.choice(("New", "New", "Renewal", "Upsell")),
            licences=rng.randrange(5, 500),
            term_years=rng.choice((1, 1, 2, 3)),
            billing=told.billing or rng.choice(("Annual", "Monthly", "Up front")),
            approval=approval,
            stamps=self._stamps(),
        )

    def _kind(self) -> str | None:
        roll = self._rng.random()
        return "Distributor" if roll < 0.08 else None if roll < 0.11 else "Partner"

    def _status(self) -> str | None:
        roll = self._rng.random()
        return None if roll < 0.05 else "Inactive" if roll < 0.09 else "Pending" if roll < 0.13 else "Active"

    def _moment(self) -> int:
        return int(self._now.timestamp()) - QUIET_S - int(self._rng.random() * HISTORY_S)

    def _stamps(self) -> Stamps:
        """One in three was written in the same second as the one before, as bulk loads are."""
        if self._rng.random() > 1 / 3:
            self._stamp_s = self._moment()
        return Stamps(self._stamp_s - 86_400 * self._rng.randrange(1, 90), self._stamp_s)
