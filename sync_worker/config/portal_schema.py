"""The JSON Schema of a portal file, so that editors complete it and show mistakes while it is written.

It is made from the models that read the file. What one key alone cannot say (which keys a flow needs, which rules fit the mode) only the
loader knows: `sync-worker portals lint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sync_worker.config.portal import Portal

SECRET: Final = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}
FROM_OTHER_KEYS: Final = {"Portal": ("deals",), "DealSettings": ("record", "approvals")}  # the loader fills them in
HINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Portal": {
        "portal": "The portal's name, the same as the file's: small letters, digits and hyphens.",
        "crm": "Which CRM the portal uses, and how the worker logs in there.",
        "vendor_company": "The CRM id of the vendor's own company. Its account type is always vendor.",
        "vendor": "How the CRM spells the account type of the vendor, if its list has one.",
        "two_tier": "true: partners work with second partners, such as distributors. Without it: false.",
        "second_partner": "How the CRM spells the account type of second partners, and what people call them.",
        "partner": "How the CRM spells the account type of partners, and what people call them.",
        "associations": "Which companies may work together: by contracts or by rules. Without it: by contracts.",
        "overrides": "How this CRM differs from the mapping, by path: company.name.native. null removes a key.",
        "deals": "Which CRM record a deal has, who decides on it, and how long a registration runs.",
        "quotes": "Who may give a discount in a quote.",
        "schedule": "When the worker looks for changes.",
        "feed": "Where the portal hears of changes. Without it there is no feed.",
        "mail": "What people are told, by notification and by mail.",
        "journeys": "What journeys may do before a person has looked.",
        "retention": "How long old data is kept. 7d or more.",
        "brake": "If a page would take away more than this share, a person must release it. Without it: 15%. 100% never holds.",
        "time_zone": "The zone of the portal's calendar: Europe/Berlin. Without it: UTC.",
    },
    "CrmSettings": {
        "kind": "salesforce or hubspot.",
        "mapping": "A file of the mappings folder: salesforce.yaml.",
        "base_url": "The CRM's address, if it is not the usual one. Plain http is for loopback only, as for the sandbox.",
        "auth": "How the worker logs in.",
        "webhooks": "How the worker knows that a webhook comes from this CRM. Without it the portal takes no webhooks.",
        "api_budget": "How many calls a day the worker may make, and which work they are kept for.",
        "parallel_calls": "How many calls all processes together may have in flight at once. Without it: as many as the CRM takes well.",
        "bulk_above": "Salesforce: if more records than this are left to read, one bulk job reads them. Without it: 100000. null: never.",
    },
    "Auth": {
        "flow": "Salesforce: client_credentials, jwt_bearer, refresh_token or authorization_code. "
        "HubSpot: static_token, refresh_token or authorization_code.",
        "domain": "Salesforce: acme.my stands for https://acme.my.salesforce.com.",
        "client_id": "The app's id: ${NAME}, or as it is.",
        "client_secret": "${NAME} of the app's secret. A secret must not stand in the file.",
        "username": "jwt_bearer: the user that the worker works as.",
        "private_key": "jwt_bearer: ${NAME} of the private key in PEM form.",
        "audience": "jwt_bearer: whom the token is for, if it is not https://login.salesforce.com.",
        "refresh_token": "refresh_token: ${NAME} of the token.",
        "token": "static_token: ${NAME} of the token.",
    },
    "WebhookProof": {
        "organization_id": "Salesforce: 00D…, as Setup → Company Information shows it.",
        "hub_id": "HubSpot: the number beside the account's name.",
        "secret": "${NAME}: at Salesforce the last part of the address, at HubSpot the app's client secret.",
        "signature": "HubSpot: v3, or v1 for old private apps. Without it: v3.",
    },
    "ApiBudget": {
        "daily": "How many calls a day at most. Without it only the CRM's own limit counts.",
        "reserve": "Which share of the day's calls is kept for which work.",
    },
    "Reserve": {
        "live": "For polls, notices and pushes. Without it: 40%.",
        "backfill": "For first loads, backfills and comparisons. Without it: 20%.",
        "operator": "For replays and commands. Without it: 10%.",
    },
    "CompanyTypeSettings": {
        "account_type_value": "The value in the CRM's account type field.",
        "display_label": "What people read: Distributor. The label changes no behavior.",
    },
    "AssociationSettings": {
        "mode": "contracts or rules. It is set once.",
        "contract_values": "contracts: a value of the second-partner field → the CRM id of its company, if the value is not its name.",
        "rules": "rules: a pair of companies needs one of them.",
    },
    "RuleSettings": {
        "name": "The rule's own name.",
        "partner": "Field → values. The partner must have one of the values of each field.",
        "second_partner": "Field → values. The second partner must have one of the values of each field.",
        "match": "Fields in which both companies must have a value in common.",
    },
    "DealSettings": {
        "record": "The record type of a new deal. Salesforce: lead (without this line) or opportunity. HubSpot: deal.",
        "run_assignment_rules_on_create": "Salesforce: true lets the assignment rules give a new Lead its owner. Without it: false.",
        "from_crm": "true: deals that begin in the CRM come into the portal too. Without it: false.",
        "approvals": "Whose approval a deal needs: [distributor, vendor] in any order. Without it: both; without two_tier only the vendor.",
        "on_behalf": "true: a second partner may register deals for its partners. Without it: false.",
        "unassociated_second_partner": "If the CRM names a second partner that is not associated: accept (without this line) keeps "
        "and flags it, revert puts the old one back.",
        "types": "The portal's deal types: [new, renewal]. Without it every name is a deal type.",
        "registration_period": "How long a registration runs: its last day is so many days after its submission.",
    },
    "RegistrationPeriod": {
        "default": "For deal types that are not listed: 90d. Without it they have no last day.",
        "types": "Deal type → days: {renewal: 30d}.",
    },
    "QuoteSettings": {"discount": "vendor, distributor and reseller. Without it: only the vendor."},
    "ScheduleSettings": {
        "pull": "How often the worker asks the CRM for changes. Without it: 5m.",
        "look_back": "How far into the past each poll looks, for changes that become visible late. Without it: 15m.",
        "full_compare": "When every record is compared with the CRM's, in the portal's time zone: \"02:00\". Without it: never.",
    },
    "FeedSettings": {
        "url": "The address of the portal's receiver.",
        "secret": "${NAME} of a secret (whsec_…) that signs each event.",
        "previous_secret": "${NAME} of the secret that is being replaced. Until you remove this line, both sign.",
        "events": "The types of events that the portal wants. Without it: all.",
        "keep": "How long events can be sent again. 7d or more. Without it: 30d.",
    },
    "Retention": {
        "runs": "From the beginning of a run. Runs that a history names stay. Without it: 90d.",
        "failures": "From the resolution of a failure. Without it: 180d.",
        "mails": "From the moment when a mail was sent or given up. Without it: 90d.",
        "notifications": "From the moment when a notification was written, read or not. Without it: 90d.",
        "journey_log": "From the event that a journey told somebody of, or did not. Without it: 90d.",
        "interventions": "From the request of a replay, a discard or a release. Without it: 365d.",
        "deal_notes": "For deals that are over: from the deal's last change, or the note if it is later. Without it: 1095d.",
        "deal_files": "For deals that are over: from the deal's last change, or the file if it is later. Without it: 1095d.",
    },
    "JourneySettings": {
        "most_mails_per_hour": "How many mails one journey may send in an hour. More wait for a person. Without it: 500.",
        "confirm_above": "If a journey could reach a larger share of the active users, its writer confirms the number. Without it: 50%.",
        "all_users": "true: a journey may name every user of a company as a recipient. Without it: false.",
    },
    "MailSettings": {
        "notices": "What people are told, by notification and by mail. Without it: everything.",
        "deal_url": "The address of a deal's page in the portal, with {id}: https://portal.example.com/deals/{id}.",
        "remind_before": "How many days before its last day a registration is reminded of. Without it: [14, 3].",
        "remind_waiting": "After how many days a waiting approval is reminded of. Without it: [3, 7].",
    },
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a portal file."""
    schema = Portal.model_json_schema(by_alias=True)
    for name, part in {"Portal": schema, **schema["$defs"]}.items():
        _finish(name, part)
    schema.pop("description", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "sync-worker portal"}


def _finish(name: str, part: dict[str, Any]) -> None:
    part.pop("description", None)  # docstrings are for who reads the code
    part["required"] = [key for key in part.get("required", ()) if key not in FROM_OTHER_KEYS.get(name, ())]
    for key, value in part.get("properties", {}).items():
        value.pop("default", None)  # as the code holds it, not as it is written
        value.pop("title", None)
        hint = HINTS.get(name, {}).get(key)
        if hint:
            value["description"] = hint
        _secrets(value)


def _secrets(node: dict[str, Any]) -> None:
    for option in (node, *node.get("anyOf", ())):
        if option.get("writeOnly"):
            for key in ("format", "writeOnly"):
                option.pop(key, None)
            option.update(SECRET)
