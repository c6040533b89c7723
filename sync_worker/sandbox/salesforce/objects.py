"""The record types of the sandbox org: the standard fields that matter, and the custom fields that a portal needs.

Custom labels are the API name without its affixes, as an admin who is in a hurry makes them.
"""

from collections.abc import Sequence

from sync_worker.sandbox.salesforce.schema import Field, Kind, SObject

LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
STAGES = (  # name, is closed, is won, probability in percent
    ("Prospecting", False, False, 10),
    ("Qualification", False, False, 10),
    ("Needs Analysis", False, False, 20),
    ("Value Proposition", False, False, 50),
    ("Id. Decision Makers", False, False, 60),
    ("Perception Analysis", False, False, 70),
    ("Proposal/Price Quote", False, False, 75),
    ("Negotiation/Review", False, False, 90),
    ("Closed Won", True, True, 100),
    ("Closed Lost", True, False, 0),
)
ACCOUNT_TYPES = ("Vendor", "Partner", "Distributor", "Technology Services Broker", "Master VAR", "Customer")
REGIONS = ("AMER", "APAC", "EMEA", "LATAM")
TIERS = ("Registered", "Silver", "Gold", "Platinum")
PRODUCT_LINES = ("Cloud", "Edge", "Security", "Storage", "Networking", "Analytics")
COUNTRIES = ("US", "CA", "MX", "BR", "GB", "DE", "FR", "NL", "ES", "IN", "JP", "SG", "AU")
LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Partner Portal", "Other")
INDUSTRIES = ("Technology", "Electronics", "Telecommunications", "Consulting", "Healthcare", "Retail", "Other")
STOCK_TYPES = ("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller", "Other")
VENDOR_APPROVALS = ("Pending", "Approved", "Rejected", "Returned", "Renewal pending")
DISTRIBUTOR_APPROVALS = ("Not required", "Pending", "Approved", "Rejected", "Renewal pending")


def _label(name: str) -> str:
    return name.removesuffix("__c").replace("_", " ")


def _text(name: str, length: int = 255, label: str | None = None) -> Field:
    return Field(name, "string", label or _label(name), length=length)


def _list(name: str, values: Sequence[str], *, restricted: bool = False, label: str | None = None) -> Field:
    return Field(name, "picklist", label or _label(name), length=255, values=tuple(values), is_restricted=restricted)


def _multi(name: str, values: Sequence[str]) -> Field:
    return Field(name, "multipicklist", _label(name), length=4099, values=tuple(values))


def _plain(name: str, kind: Kind, label: str | None = None) -> Field:
    return Field(name, kind, label or _label(name))


def _money(name: str, label: str | None = None) -> Field:
    return Field(name, "currency", label or _label(name), precision=18, scale=2)


def _count(name: str) -> Field:
    return Field(name, "double", _label(name), precision=8, scale=0)


def _check(name: str) -> Field:
    return Field(name, "boolean", _label(name), is_nillable=False, default=False)


def _lookup(name: str, refers_to: str, label: str, relationship: str) -> Field:
    return Field(name, "reference", label, length=18, refers_to=(refers_to,), relationship=relationship)


def _key(name: str) -> Field:
    return Field(name, "string", _label(name), length=36, is_external_id=True, is_unique=True, is_id_lookup=True)


def _system(name: str, kind: Kind, label: str, *, nillable: bool = False, refers_to: str = "") -> Field:
    """A field that only the vendor writes."""
    return Field(
        name,
        kind,
        label,
        length=18 if kind in ("id", "reference") else 0,
        is_nillable=nillable,
        is_createable=False,
        is_updateable=False,
        is_id_lookup=kind == "id",
        refers_to=(refers_to,) if refers_to else (),
        relationship=name.removesuffix("Id") if refers_to else None,
    )


def _head(label: str, *, merges_into: str | None = None) -> list[Field]:
    fields = [_system("Id", "id", f"{label} ID"), _system("IsDeleted", "boolean", "Deleted")]
    if merges_into:
        fields.append(_system("MasterRecordId", "reference", "Master Record ID", nillable=True, refers_to=merges_into))
    return fields


def _stamps() -> list[Field]:
    return [
        _system("CreatedDate", "datetime", "Created Date"),
        _system("CreatedById", "reference", "Created By ID", refers_to="User"),
        _system("LastModifiedDate", "datetime", "Last Modified Date"),
        _system("LastModifiedById", "reference", "Last Modified By ID", refers_to="User"),
        _system("SystemModstamp", "datetime", "System Modstamp"),
    ]


def _name(label: str, length: int) -> Field:
    return Field("Name", "string", label, length=length, is_nillable=False, is_name=True)


def _owner() -> Field:
    return Field("OwnerId", "reference", "Owner ID", 18, refers_to=("User",), relationship="Owner")


def _deal_fields() -> list[Field]:
    """What Lead and Opportunity have in common for a portal."""
    return [
        _key("Portal_Deal_Key__c"),
        _lookup("Portal_Partner__c", "Account", "Portal Partner", "Portal_Partner__r"),
        _lookup("Portal_Second_Partner__c", "Account", "Portal Second Partner", "Portal_Second_Partner__r"),
        _list("Portal_Deal_Type__c", ("New", "Renewal", "Upsell")),
        _count("Portal_Licences__c"),
        _count("Portal_Term_Years__c"),
        _list("Portal_Billing__c", ("Annual", "Monthly", "Up front")),
        _list("Portal_Vendor_Approval__c", VENDOR_APPROVALS, restricted=True),
        _list("Portal_Distributor_Approval__c", DISTRIBUTOR_APPROVALS, restricted=True),
        _text("Portal_Deal_State__c"),
        _check("Portal_Registered__c"),
        _text("Portal_Quote_State__c"),
        _plain("Portal_Expires__c", "date"),
    ]


def account(second_partners: Sequence[str]) -> SObject:
    """Account; its multi-select lists one value per second partner, so it depends on the data."""
    fields = [
        *_head("Account", merges_into="Account"),
        _name("Account Name", 255),
        _list("Type", STOCK_TYPES, label="Account Type"),
        _lookup("ParentId", "Account", "Parent Account ID", "Parent"),
        Field("BillingStreet", "textarea", "Billing Street", length=255),
        _text("BillingCity", 40, "Billing City"),
        _text("BillingPostalCode", 20, "Billing Zip/Postal Code"),
        _text("BillingCountry", 80, "Billing Country"),
        _list("BillingCountryCode", COUNTRIES, restricted=True, label="Billing Country Code"),
        Field("Phone", "phone", "Account Phone", length=40),
        _text("AccountNumber", 40, "Account Number"),
        Field("Website", "url", "Website", length=255),
        _list("Industry", INDUSTRIES, label="Industry"),
        Field("AnnualRevenue", "currency", "Annual Revenue", precision=18),
        Field("NumberOfEmployees", "int", "Employees", precision=8),
        Field("Description", "textarea", "Account Description", length=32000),
        _owner(),
        *_stamps(),
        _list("Portal_Status__c", ("Active", "Inactive", "Pending"), restricted=True),
        _list("Portal_Account_Type__c", ACCOUNT_TYPES),
        _multi("Associated_Second_Partner__c", second_partners),
        _key("Portal_Company_Id__c"),
        Field("Portal_Account_Owner_Email__c", "email", "Portal Account Owner Email", length=80),
        _check("Portal_May_Register__c"),
        _text("Portal_Agreement__c"),
        _list("Portal_Region__c", REGIONS),
        _list("Portal_Tier__c", TIERS),
        _multi("Portal_Product_Lines__c", PRODUCT_LINES),
    ]
    return SObject("Account", "Account", "Accounts", "001", tuple(fields), is_mergeable=True)


def lead() -> SObject:
    """Lead; Name is made of its two halves."""
    fields = [
        *_head("Lead", merges_into="Lead"),
        Field("LastName", "string", "Last Name", length=80, is_nillable=False),
        _text("FirstName", 40, "First Name"),
        Field(
            "Name",
            "string",
            "Full Name",
            length=121,
            is_nillable=False,
            is_createable=False,
            is_updateable=False,
            is_name=True,
        ),
        _text("Title", 128, "Title"),
        Field("Company", "string", "Company", length=255, is_nillable=False),
        Field("Phone", "phone", "Phone", length=40),
        Field("Email", "email", "Email", length=80, is_id_lookup=True),
        Field("Website", "url", "Website", length=255),
        Field("Description", "textarea", "Description", length=32000),
        _list("LeadSource", LEAD_SOURCES, label="Lead Source"),
        Field(
            "Status",
            "picklist",
            "Status",
            length=255,
            values=LEAD_STATUSES,
            is_nillable=False,
            default=LEAD_STATUSES[0],
        ),
        _list("Industry", INDUSTRIES, label="Industry"),
        _owner(),
        _system("IsConverted", "boolean", "Converted"),
        _system("ConvertedDate", "date", "Converted Date", nillable=True),
        _system("ConvertedAccountId", "reference", "Converted Account ID", nillable=True, refers_to="Account"),
        _system("ConvertedContactId", "reference", "Converted Contact ID", nillable=True, refers_to="Contact"),
        _system("ConvertedOpportunityId", "reference", "Converted Opportunity ID", nillable=True, refers_to="Opportunity"),
        *_stamps(),
        *_deal_fields(),
        _text("Portal_Deal_Name__c", 120),
        _money("Portal_Amount__c"),
        _plain("Portal_Close_Date__c", "date"),
    ]
    return SObject("Lead", "Lead", "Leads", "00Q", tuple(fields), is_mergeable=True)


def opportunity() -> SObject:
    """Opportunity; IsClosed, IsWon and Probability follow the stage."""
    fields = [
        *_head("Opportunity"),
        _lookup("AccountId", "Account", "Account ID", "Account"),
        _name("Name", 120),
        Field("Description", "textarea", "Description", length=32000),
        Field(
            "StageName",
            "picklist",
            "Stage",
            length=255,
            values=tuple(stage for stage, *_ in STAGES),
            is_nillable=False,
        ),
        _money("Amount", "Amount"),
        Field("Probability", "percent", "Probability (%)", precision=3),
        Field("CloseDate", "date", "Close Date", is_nillable=False),
        _list("Type", ("Existing Business", "New Business"), label="Opportunity Type"),
        _text("NextStep", 255, "Next Step"),
        _list("LeadSource", LEAD_SOURCES, label="Lead Source"),
        _system("IsClosed", "boolean", "Closed"),
        _system("IsWon", "boolean", "Won"),
        _owner(),
        *_stamps(),
        *_deal_fields(),
        _text("Portal_Prospect__c"),
    ]
    return SObject("Opportunity", "Opportunity", "Opportunities", "006", tuple(fields))


def user() -> SObject:
    """User; read only here."""
    fields = [
        _system("Id", "id", "User ID"),
        Field("Username", "string", "Username", length=80, is_nillable=False),
        Field("LastName", "string", "Last Name", length=80, is_nillable=False),
        _text("FirstName", 40, "First Name"),
        Field("Name", "string", "Full Name", length=121, is_createable=False, is_updateable=False, is_name=True),
        Field("Email", "email", "Email", length=128, is_nillable=False),
        Field("IsActive", "boolean", "Active", is_nillable=False, default=True),
        *_stamps(),
    ]
    return SObject("User", "User", "Users", "005", tuple(fields), is_writable=False)


def org_objects(second_partners: Sequence[str]) -> dict[str, SObject]:
    """Every record type of the org, by its lower-case name."""
    types = (account(second_partners), lead(), opportunity(), user())
    return {sobject.name.lower(): sobject for sobject in types}
