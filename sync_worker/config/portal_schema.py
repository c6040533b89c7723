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
        "portal": "The portal's name, as the file's: small letters, digits and hyphens.",
        "crm": "Which CRM, where, and who we are there.",
        "vendor_company": "The CRM id of the vendor's own company, which is always of account type vendor.",
        "vendor": "How the CRM spells the account type of the vendor.",
        "two_tier": "true: partners work with second partners, such as distributors.",
        "second_partner": "How the CRM spells the account type of second partners, and what people call them.",
        "partner": "How the CRM spells the account type of partners, and what people call them.",
        "associations": "Who may work with whom: by contracts or by rules. Set once.",
        "overrides": "This CRM's own spelling, by path in the mapping: company.name.native; null takes a key away.",
        "deals": "Which record stands behind a deal, who decides on it, and how long it runs.",
        "quotes": "Who may write a discount into a quote.",
        "schedule": "When to look for changes.",
        "feed": "Where the portal hears of changes.",
        "mail": "What people are told by mail.",
        "journeys": "What journeys may do before a person has looked.",
        "retention": "How long what is over is kept.",
        "brake": "A page that would remove more than this share is held for a person: 15%.",
        "time_zone": "Which day a moment belongs to: Europe/Berlin.",
    },
    "CrmSettings": {
        "kind": "salesforce or hubspot.",
        "mapping": "A file of the mappings folder: salesforce.yaml.",
        "base_url": "The CRM's address, where it is not the usual one; plain http on loopback only.",
        "auth": "How to log in.",
        "webhooks": "What proves that a notice comes from this CRM.",
        "api_budget": "Calls a day, and what is kept for whom.",
        "parallel_calls": "How many calls may be in flight at once, of all processes; null: as many as the CRM takes well.",
        "bulk_above": "Of so many records left a bulk job is made instead of pages; null: never.",
    },
    "Auth": {
        "flow": "salesforce: client_credentials, jwt_bearer, refresh_token; hubspot: static_token, refresh_token.",
        "domain": "acme.my stands for https://acme.my.salesforce.com.",
        "client_id": "The app's id: ${NAME} or as it is.",
        "client_secret": "${NAME}; a secret must not stand in the file.",
        "username": "jwt_bearer: the user we work as.",
        "private_key": "jwt_bearer: ${NAME} of the key in PEM.",
        "audience": "jwt_bearer: whom the token is for, where it is not the usual address.",
        "refresh_token": "${NAME}.",
        "token": "static_token: ${NAME}.",
    },
    "WebhookProof": {
        "organization_id": "Salesforce: 00D…, as Setup → Company Information shows it.",
        "hub_id": "HubSpot: the number beside the account's name.",
        "secret": "${NAME}: at Salesforce the last part of the address, at HubSpot the app's client secret.",
        "signature": "HubSpot: v3, or v1 of older apps.",
    },
    "ApiBudget": {"daily": "Calls a day at most.", "reserve": "What of them is kept for which work."},
    "Reserve": {
        "live": "Polls, notices and pushes: 40%.",
        "backfill": "First loads and comparisons: 20%.",
        "operator": "Replays and commands: 10%.",
    },
    "CompanyTypeSettings": {"account_type_value": "The value of the CRM's account type field.", "display_label": "What people read."},
    "AssociationSettings": {
        "mode": "contracts or rules.",
        "contract_values": "contracts: value of the second-partner field → CRM id, where a value is not a company's name.",
        "rules": "rules: they add up.",
    },
    "RuleSettings": {
        "name": "The rule's own name.",
        "partner": "Field → values that the partner must have.",
        "second_partner": "Field → values that the second partner must have.",
        "match": "Fields in which both have a value in common.",
    },
    "DealSettings": {
        "record": "lead or opportunity at Salesforce, deal at HubSpot.",
        "run_assignment_rules_on_create": "Salesforce: on a new Lead only.",
        "from_crm": "true: deals that begin in the CRM come in too.",
        "approvals": "The tracks in use: distributor, vendor. The order means nothing.",
        "on_behalf": "true: a distributor may register for its resellers.",
        "unassociated_second_partner": "accept and flag, or revert.",
        "types": "The portal's deal types; none listed: any name.",
        "registration_period": "A registration's last day is so many days after its submission.",
    },
    "RegistrationPeriod": {"default": "90d.", "types": "Deal type → days: {renewal: 30d}."},
    "QuoteSettings": {"discount": "vendor, distributor, reseller."},
    "ScheduleSettings": {
        "pull": "How often to look: 5m.",
        "look_back": "How far each look reaches back: 15m.",
        "full_compare": 'When to compare everything, in the portal\'s time zone: "02:00".',
    },
    "FeedSettings": {
        "url": "The portal's address.",
        "secret": "${NAME} of a whsec_… secret that signs each event.",
        "previous_secret": "${NAME} of the secret that is being replaced.",
        "events": "The kinds that the portal wants.",
        "keep": "How long events are kept: 30d.",
    },
    "Retention": {
        "runs": "Since a run began; runs that history names stay: 90d.",
        "failures": "Since a failure was resolved: 180d.",
        "mails": "Since a mail was sent or given up: 90d.",
        "notifications": "Since a notification was written, read or not: 90d.",
        "journey_log": "Since a journey told somebody, or did not: 90d.",
        "interventions": "Since a replay, discard or release was asked for: 365d.",
        "deal_notes": "Of deals that are over, since the deal's last change and the note: 1095d.",
        "deal_files": "Of deals that are over, since the deal's last change and the file: 1095d.",
    },
    "JourneySettings": {
        "most_mails_per_hour": "Mails of one journey; more wait for a person: 500.",
        "confirm_above": "A journey that could reach a larger share of the users is confirmed by its writer: 50%.",
        "all_users": "true: a journey can name every user of a company.",
    },
    "MailSettings": {
        "notices": "Those that people are told, by notification and by mail.",
        "deal_url": "A deal's page, with {id}.",
        "remind_before": "Days before an expiry.",
        "remind_waiting": "Days of waiting for a decision.",
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
