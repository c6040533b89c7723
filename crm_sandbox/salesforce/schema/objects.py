"""The record types of the sandbox org: the standard fields that matter, and the custom fields that a portal needs."""

from collections.abc import Sequence

from crm_sandbox.salesforce.schema import fields as make
from crm_sandbox.salesforce.schema.permission_types import permission_objects
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.seed.words import (
    COUNTRIES,
    DISTRIBUTOR_APPROVALS,
    INDUSTRIES,
    PRODUCT_LINES,
    REGIONS,
    STAGES,
    TIERS,
    VENDOR_APPROVALS,
)

LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
ACCOUNT_TYPES = ("Vendor", "Partner", "Distributor", "Technology Services Broker", "Master VAR", "Customer")
LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Partner Portal", "Other")
TRACKS = ("Vendor", "Distributor")
STOCK_TYPES = ("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller", "Other")


def _deal_fields() -> list[Field]:
    """What Lead and Opportunity have in common for a portal."""
    return [
        make.key("Portal_Deal_Key__c"),
        make.lookup("Portal_Partner__c", "Account", "Portal Partner", "Portal_Partner__r"),
        make.lookup("Portal_Second_Partner__c", "Account", "Portal Second Partner", "Portal_Second_Partner__r"),
        make.choice("Portal_Deal_Type__c", ("New", "Renewal", "Upsell")),
        make.count("Portal_Licences__c"),
        make.count("Portal_Term_Years__c"),
        make.choice("Portal_Billing__c", ("Annual", "Monthly", "Up front")),
        make.choice("Portal_Vendor_Approval__c", VENDOR_APPROVALS, restricted=True),
        make.choice("Portal_Distributor_Approval__c", DISTRIBUTOR_APPROVALS, restricted=True),
        *(make.text(f"Portal_{track}_Decided_By__c") for track in TRACKS),
        *(make.plain(f"Portal_{track}_Decided_On__c", "date") for track in TRACKS),
        *(make.area(f"Portal_{track}_Reason__c") for track in TRACKS),
        make.text("Portal_Deal_State__c"),
        make.check("Portal_Registered__c"),
        make.text("Portal_Quote_State__c"),
        make.plain("Portal_Expires__c", "date"),
    ]


def account(second_partners: Sequence[str]) -> SObject:
    """Account; its multi-select lists one value per second partner, so it depends on the data."""
    fields = [
        *make.head("Account", merges_into="Account"),
        make.name("Account Name", 255),
        make.choice("Type", STOCK_TYPES, label="Account Type"),
        make.lookup("ParentId", "Account", "Parent Account ID", "Parent"),
        Field("BillingStreet", "textarea", "Billing Street", length=255),
        make.text("BillingCity", 40, "Billing City"),
        make.text("BillingPostalCode", 20, "Billing Zip/Postal Code"),
        make.text("BillingCountry", 80, "Billing Country"),
        make.choice("BillingCountryCode", COUNTRIES, restricted=True, label="Billing Country Code"),
        make.address("BillingAddress", "Billing Address"),
        Field("Phone", "phone", "Account Phone", length=40),
        make.text("AccountNumber", 40, "Account Number"),
        Field("Website", "url", "Website", length=255),
        make.choice("Industry", INDUSTRIES, label="Industry"),
        Field("AnnualRevenue", "currency", "Annual Revenue", precision=18),
        Field("NumberOfEmployees", "int", "Employees", precision=8),
        Field("Description", "textarea", "Account Description", length=32000),
        make.owner(),
        *make.stamps(),
        make.choice("Portal_Status__c", ("Active", "Inactive", "Pending"), restricted=True),
        make.choice("Portal_Account_Type__c", ACCOUNT_TYPES),
        make.multi("Associated_Second_Partner__c", second_partners),
        make.key("Portal_Company_Id__c"),
        Field("Portal_Account_Owner_Email__c", "email", "Portal Account Owner Email", length=80),
        make.check("Portal_May_Register__c"),
        make.text("Portal_Agreement__c"),
        make.choice("Portal_Region__c", REGIONS),
        make.choice("Portal_Tier__c", TIERS),
        make.multi("Portal_Product_Lines__c", PRODUCT_LINES),
    ]
    return SObject("Account", "Account", "Accounts", "001", tuple(fields), is_mergeable=True)


def lead() -> SObject:
    """Lead; Name is made of its two halves."""
    fields = [
        *make.head("Lead", merges_into="Lead"),
        Field("LastName", "string", "Last Name", length=80, is_nillable=False),
        make.text("FirstName", 40, "First Name"),
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
        make.text("Title", 128, "Title"),
        Field("Company", "string", "Company", length=255, is_nillable=False),
        Field("Phone", "phone", "Phone", length=40),
        Field("Email", "email", "Email", length=80, is_id_lookup=True),
        Field("Website", "url", "Website", length=255),
        Field("Description", "textarea", "Description", length=32000),
        make.choice("LeadSource", LEAD_SOURCES, label="Lead Source"),
        Field(
            "Status",
            "picklist",
            "Status",
            length=255,
            values=LEAD_STATUSES,
            is_nillable=False,
            default=LEAD_STATUSES[0],
        ),
        make.choice("Industry", INDUSTRIES, label="Industry"),
        make.owner(),
        make.system("IsConverted", "boolean", "Converted"),
        make.system("ConvertedDate", "date", "Converted Date", nillable=True),
        make.system("ConvertedAccountId", "reference", "Converted Account ID", nillable=True, refers_to="Account"),
        make.system("ConvertedContactId", "reference", "Converted Contact ID", nillable=True, refers_to="Contact"),
        make.system("ConvertedOpportunityId", "reference", "Converted Opportunity ID", nillable=True, refers_to="Opportunity"),
        *make.stamps(),
        *_deal_fields(),
        make.text("Portal_Deal_Name__c", 120),
        make.money("Portal_Amount__c"),
        make.plain("Portal_Close_Date__c", "date"),
    ]
    return SObject("Lead", "Lead", "Leads", "00Q", tuple(fields), is_mergeable=True)


def contact() -> SObject:
    """Contact; the people of an account. Name is made of its two halves."""
    fields = [
        *make.head("Contact", merges_into="Contact"),
        make.lookup("AccountId", "Account", "Account ID", "Account"),
        Field("LastName", "string", "Last Name", length=80, is_nillable=False),
        make.text("FirstName", 40, "First Name"),
        Field("Name", "string", "Full Name", length=121, is_nillable=False, is_createable=False, is_updateable=False, is_name=True),
        make.text("Title", 128, "Title"),
        make.text("Department", 80, "Department"),
        Field("Phone", "phone", "Business Phone", length=40),
        Field("MobilePhone", "phone", "Mobile Phone", length=40),
        Field("Email", "email", "Email", length=80, is_id_lookup=True),
        make.lookup("ReportsToId", "Contact", "Reports To ID", "ReportsTo"),
        make.choice("LeadSource", LEAD_SOURCES, label="Lead Source"),
        Field("Description", "textarea", "Contact Description", length=32000),
        make.owner(),
        *make.stamps(),
    ]
    return SObject("Contact", "Contact", "Contacts", "003", tuple(fields), is_mergeable=True)


def opportunity() -> SObject:
    """Opportunity; IsClosed, IsWon and Probability follow the stage."""
    fields = [
        *make.head("Opportunity"),
        make.lookup("AccountId", "Account", "Account ID", "Account"),
        make.name("Name", 120),
        Field("Description", "textarea", "Description", length=32000),
        Field(
            "StageName",
            "picklist",
            "Stage",
            length=255,
            values=tuple(stage for stage, *_ in STAGES),
            is_nillable=False,
        ),
        make.money("Amount", "Amount"),
        Field("Probability", "percent", "Probability (%)", precision=3),
        Field("CloseDate", "date", "Close Date", is_nillable=False),
        make.choice("Type", ("Existing Business", "New Business"), label="Opportunity Type"),
        make.text("NextStep", 255, "Next Step"),
        make.choice("LeadSource", LEAD_SOURCES, label="Lead Source"),
        make.system("IsClosed", "boolean", "Closed"),
        make.system("IsWon", "boolean", "Won"),
        make.owner(),
        *make.stamps(),
        *_deal_fields(),
        make.text("Portal_Prospect__c"),
    ]
    return SObject("Opportunity", "Opportunity", "Opportunities", "006", tuple(fields))


def user() -> SObject:
    """User; read only here."""
    fields = [
        make.system("Id", "id", "User ID"),
        Field("Username", "string", "Username", length=80, is_nillable=False),
        Field("LastName", "string", "Last Name", length=80, is_nillable=False),
        make.text("FirstName", 40, "First Name"),
        Field("Name", "string", "Full Name", length=121, is_createable=False, is_updateable=False, is_name=True),
        Field("Email", "email", "Email", length=128, is_nillable=False),
        Field("IsActive", "boolean", "Active", is_nillable=False, default=True),
        *make.stamps(),
    ]
    return SObject("User", "User", "Users", "005", tuple(fields), is_writable=False)


def organization() -> SObject:
    """The org itself, one record; clients ask it whether it is a sandbox, and for its name."""
    fields = [
        make.system("Id", "id", "Organization ID"),
        make.name("Name", 80),
        make.plain("IsSandbox", "boolean", "Is Sandbox"),
        make.text("InstanceName", 5, "Instance Name"),
        make.text("OrganizationType", 40, "Edition"),
        make.text("NamespacePrefix", 15, "Namespace Prefix"),
        make.text("LanguageLocaleKey", 40, "Language"),
        make.text("TimeZoneSidKey", 40, "Time Zone"),
        *make.stamps(),
    ]
    return SObject("Organization", "Organization", "Organizations", "00D", tuple(fields), is_writable=False)


def org_objects(second_partners: Sequence[str]) -> dict[str, SObject]:
    """Every record type of the org, by its lower-case name."""
    types = (account(second_partners), contact(), lead(), opportunity(), organization(), user(), *permission_objects())
    return {sobject.name.lower(): sobject for sobject in types}
