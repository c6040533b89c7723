"""The named few of every sandbox: users, companies and deals whose stories the docs, the demo and the tests tell."""

from dataclasses import dataclass

USERS = (  # first name, last name, address; integration user, admin, lead queue, then the sales reps
    ("Portal", "Integration", "integration@northwind.example"),
    ("Ada", "Marsh", "ada.marsh@northwind.example"),
    ("Lead", "Queue", "lead.queue@northwind.example"),
    ("Rae", "Lindqvist", "rae.lindqvist@northwind.example"),
    ("Tomas", "Okafor", "tomas.okafor@northwind.example"),
)
REPS = USERS[3:]


@dataclass(frozen=True, slots=True)
class CastCompany:
    """A company of the cast: `kind` as the account type's spelling, `contracts` as the multi-select's values."""

    name: str
    kind: str | None
    status: str | None = "Active"
    contracts: tuple[str, ...] = ()

    @property
    def website(self) -> str:
        """Its address on the web."""
        return f"https://{self.name.lower().replace(' ', '-')}.example"


@dataclass(frozen=True, slots=True)
class CastDeal:
    """A deal of the cast; companies by name. What is None is drawn from the seed."""

    name: str
    stage: str
    partner: str | None = None
    second_partner: str | None = None
    amount: float | None = None
    billing: str | None = None
    approval: str | None = None
    prospect: str | None = None


COMPANIES = (
    CastCompany("Northwind Software", "Vendor"),
    CastCompany("Arrow Electronics", "Distributor"),
    CastCompany("Bolt Distribution", "Distributor"),
    CastCompany("Cascade Supply", "Distributor", "Inactive"),
    CastCompany("Granite Group", "Distributor"),  # was Granite Distribution when contracts were written
    CastCompany("Summit Partners", "Distributor"),
    CastCompany("Summit Partners", "Distributor"),  # another company of the same name
    CastCompany("Birch Systems", "Partner", contracts=("Arrow Electronics", "Bolt Distribution")),
    CastCompany("Cedar IT", "Partner", contracts=("Arrow Electronics",)),
    CastCompany("Dogwood Networks", "Partner"),
    CastCompany("Elm Consulting", "Partner", contracts=("Bolt Distribution", "Granite Distribution")),  # the old name
    CastCompany("Fir Technologies", "Partner", contracts=("Arrow Electronics", "Zenith Supply")),  # names no company
    CastCompany("Ginkgo Data", "Partner", contracts=("Summit Partners",)),  # which of the two?
    CastCompany("Hazel Cloud", "Partner", contracts=("Bolt Distribution", "Cascade Supply")),  # one is inactive
    CastCompany("Ivy Integrators", "Reseller Plus", contracts=("Arrow Electronics",)),  # a spelling that no mapping has
    CastCompany("Juniper Works", None, contracts=("Bolt Distribution",)),  # account type never set
    CastCompany("Katsura Labs", "Partner", "Pending", ("Arrow Electronics",)),
    CastCompany("Larch Logistics", None, None),  # no portal status: a customer, not in the portal
    CastCompany("Maple Managed Services", "Partner", "Inactive", ("Bolt Distribution",)),
)
LISTED_SECOND_PARTNERS = (  # what the multi-select lists; one renamed since, one that never was
    "Arrow Electronics",
    "Bolt Distribution",
    "Cascade Supply",
    "Granite Distribution",
    "Summit Partners",
    "Zenith Supply",
)
GOOD_SECOND_PARTNERS = ("Arrow Electronics", "Bolt Distribution")  # what the many may name besides each other
DEALS = (
    CastDeal("Harbor Freight Lines - Cloud", "Qualification", "Birch Systems", "Arrow Electronics", 48_000.0,
         "Annual", "Pending", "Harbor Freight Lines"),
    CastDeal("Ostrava Steel - Edge", "Proposal/Price Quote", "Cedar IT", "Arrow Electronics", 125_500.5,
         "Up front", "Approved", "Ostrava Steel"),
    CastDeal("Kestrel Air - Security", "Prospecting", "Dogwood Networks", None, 9_900.0,
         "Monthly", None, "Kestrel Air"),  # single tier
    CastDeal("Lumen Hospital - Storage", "Negotiation/Review", "Dogwood Networks", "Bolt Distribution", 77_250.25,
         "Annual", "Pending", "Lumen Hospital"),  # a second partner without a contract
    CastDeal("Meridian Bank - Cloud", "Qualification", "Elm Consulting", "Bolt Distribution", 31_000.0,
         "Quarterly", "Pending", "Meridian Bank"),  # a billing cycle that no mapping has: a bad record
    CastDeal("Nimbus Retail - Edge", "Closed Won", "Birch Systems", "Bolt Distribution", 64_000.0,
         "Annual", "Approved", "Nimbus Retail"),
    CastDeal("Quarry Mills - Analytics", "Closed Lost", "Cedar IT", None, 5_400.0, "Annual", "Rejected", "Quarry Mills"),
    CastDeal("Pelican Foods - Networking", "Needs Analysis", None, None, 18_000.0,
         "Monthly", None, "Pelican Foods"),  # direct business: no partner
)  # fmt: skip
