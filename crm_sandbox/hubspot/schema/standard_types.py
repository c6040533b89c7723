"""The vendor's other record types: known by name, with a few properties each, and without a record until a client makes one.

Sources: https://developers.hubspot.com/docs/guides/crm/understanding-the-crm (ids of record types), the guide of each type (properties).
"""

from dataclasses import replace
from typing import NamedTuple

from crm_sandbox.hubspot.schema.object_types import CUSTOM, TypeNames, object_type, stamp_properties, vendors_property
from crm_sandbox.hubspot.schema.schema import Kind, ObjectType, Property

_FIRST_ID, _IDS_A_TYPE = 30_000_000_001, 1_000_000_000
_FIELD_TYPES: dict[Kind, str] = {"string": "text", "number": "number", "date": "date", "datetime": "date"}


class StandardType(NamedTuple):
    """A record type in one line. `properties`: its name first, then others, written `name`, `name:kind` or `name:option|option`."""

    name: str
    singular: str
    type_id: str
    properties: tuple[str, ...]


_WHEN = "hs_timestamp:datetime"
_WAY = ("hs_pipeline:pipeline", "hs_pipeline_stage:pipeline")
STANDARD_TYPES = (
    StandardType("tickets", "ticket", "0-5", ("subject", "content", *_WAY, "hs_ticket_priority:LOW|MEDIUM|HIGH|URGENT")),
    StandardType("products", "product", "0-7", ("name", "description", "price:number", "hs_sku", "hs_cost_of_goods_sold:number")),
    StandardType("line_items", "line_item", "0-8", ("name", "quantity:number", "price:number", "amount:number", "hs_product_id:number")),
    StandardType("quotes", "quote", "0-14", ("hs_title", "hs_status:DRAFT|APPROVAL_NOT_NEEDED|APPROVED", "hs_expiration_date:date")),
    StandardType("communications", "communication", "0-18", ("hs_communication_body", _WHEN, "hs_communication_logged_from:CRM")),
    StandardType("feedback_submissions", "feedback_submission", "0-19", ("hs_survey_name", "hs_survey_type", "hs_content")),
    StandardType("tasks", "task", "0-27", ("hs_task_subject", _WHEN, "hs_task_body", "hs_task_status:NOT_STARTED|IN_PROGRESS|COMPLETED")),
    StandardType("notes", "note", "0-46", ("hs_note_body", _WHEN, "hs_attachment_ids")),
    StandardType("meetings", "meeting_event", "0-47", ("hs_meeting_title", _WHEN, "hs_meeting_body", "hs_meeting_start_time:datetime")),
    StandardType("calls", "call", "0-48", ("hs_call_title", _WHEN, "hs_call_body", "hs_call_direction:INBOUND|OUTBOUND")),
    StandardType("emails", "email", "0-49", ("hs_email_subject", _WHEN, "hs_email_text", "hs_email_status:SENT|FAILED|SCHEDULED")),
    StandardType("invoices", "invoice", "0-53", ("hs_number", "hs_invoice_date:date", "hs_due_date:date")),
    StandardType("subscriptions", "subscription", "0-69", ("hs_name", "hs_recurring_billing_start_date:date")),
    StandardType("goal_targets", "goal_target", "0-74", ("hs_goal_name", "hs_target_amount:number", "hs_start_datetime:datetime")),
    StandardType("discounts", "discount", "0-84", ("hs_label", "hs_value:number")),
    StandardType("fees", "fee", "0-85", ("hs_label", "hs_value:number")),
    StandardType("taxes", "tax", "0-86", ("hs_label", "hs_value:number")),
    StandardType("commerce_payments", "commerce_payment", "0-101", ("hs_customer_email", "hs_initial_amount:number")),
    StandardType("users", "user", "0-115", ("hs_given_name", "hs_family_name", "hs_email", "hs_job_title")),
    StandardType("postal_mail", "postal_mail", "0-116", ("hs_postal_mail_body", _WHEN)),
    StandardType("orders", "order", "0-123", ("hs_order_name", "hs_total_price:number")),
    StandardType("leads", "lead", "0-136", ("hs_lead_name", *_WAY, "hs_lead_type", "hs_lead_label:HOT|WARM|COLD")),
    StandardType("carts", "cart", "0-142", ("hs_cart_name", "hs_total_price:number")),
    StandardType("services", "service", "0-162", ("hs_name", "hs_start_date:datetime")),
    StandardType("courses", "course", "0-410", ("hs_course_name", "hs_description")),
    StandardType("listings", "listing", "0-420", ("hs_name", "hs_address_1", "hs_price:number")),
    StandardType("appointments", "appointment", "0-421", ("hs_appointment_name", "hs_appointment_start:datetime")),
)
PLURALS = {alias: one.name for one in STANDARD_TYPES for alias in (one.singular, one.type_id)}


def standard_types() -> list[ObjectType]:
    """Every one of them, new."""
    return [_standard(place, one) for place, one in enumerate(STANDARD_TYPES)]


def _standard(place: int, one: StandardType) -> ObjectType:
    found = [_property(words) for words in one.properties]
    names = TypeNames(one.name, one.singular, one.type_id, _FIRST_ID + place * _IDS_A_TYPE)
    label, primary = one.singular.replace("_", " ").capitalize(), found[0].name
    kind = object_type(names, label, primary, (primary,), [*stamp_properties("hs_lastmodifieddate"), *found])
    del kind.groups[CUSTOM]
    return kind


def _property(words: str) -> Property:
    name, _, said = words.partition(":")
    match said:
        case "" | "string":
            return vendors_property(name)
        case "pipeline":
            return replace(vendors_property(name, "enumeration", "select"), has_fixed_options=True)
        case "number" | "date" | "datetime":
            return vendors_property(name, said, _FIELD_TYPES[said])
    return vendors_property(name, "enumeration", "select", options=said.split("|"))
