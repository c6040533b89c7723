"""The vendor's other record types: known by name, with a few properties each, and without a record until a client makes one.

Source: the guide of each type, https://developers.hubspot.com/docs/guides/crm/understanding-the-crm
"""

from dataclasses import replace

from crm_sandbox.hubspot.schema.object_types import CUSTOM, NumberedType, object_type, stamp_properties, vendors_property
from crm_sandbox.hubspot.schema.schema import Kind, ObjectType, Property
from crm_sandbox.hubspot.wire.type_names import STANDARD, TypeName

_FIRST_ID, _IDS_A_TYPE = 30_000_000_001, 1_000_000_000
_FIELD_TYPES: dict[Kind, str] = {"string": "text", "number": "number", "date": "date", "datetime": "date"}


_WHEN = "hs_timestamp:datetime"
_WAY = ("hs_pipeline:pipeline", "hs_pipeline_stage:pipeline")
PROPERTIES: dict[str, tuple[str, ...]] = {  # by plural name; the name of a record first
    "tickets": ("subject", "content", *_WAY, "hs_ticket_priority:LOW|MEDIUM|HIGH|URGENT"),
    "products": ("name", "description", "price:number", "hs_sku", "hs_cost_of_goods_sold:number"),
    "line_items": ("name", "quantity:number", "price:number", "amount:number", "hs_product_id:number"),
    "quotes": ("hs_title", "hs_status:DRAFT|APPROVAL_NOT_NEEDED|APPROVED", "hs_expiration_date:date"),
    "communications": ("hs_communication_body", _WHEN, "hs_communication_logged_from:CRM"),
    "feedback_submissions": ("hs_survey_name", "hs_survey_type", "hs_content"),
    "tasks": ("hs_task_subject", _WHEN, "hs_task_body", "hs_task_status:NOT_STARTED|IN_PROGRESS|COMPLETED"),
    "notes": ("hs_note_body", _WHEN, "hs_attachment_ids"),
    "meetings": ("hs_meeting_title", _WHEN, "hs_meeting_body", "hs_meeting_start_time:datetime"),
    "calls": ("hs_call_title", _WHEN, "hs_call_body", "hs_call_direction:INBOUND|OUTBOUND"),
    "emails": ("hs_email_subject", _WHEN, "hs_email_text", "hs_email_status:SENT|FAILED|SCHEDULED"),
    "invoices": ("hs_number", "hs_invoice_date:date", "hs_due_date:date"),
    "subscriptions": ("hs_name", "hs_recurring_billing_start_date:date"),
    "goal_targets": ("hs_goal_name", "hs_target_amount:number", "hs_start_datetime:datetime"),
    "discounts": ("hs_label", "hs_value:number"),
    "fees": ("hs_label", "hs_value:number"),
    "taxes": ("hs_label", "hs_value:number"),
    "commerce_payments": ("hs_customer_email", "hs_initial_amount:number"),
    "users": ("hs_given_name", "hs_family_name", "hs_email", "hs_job_title"),
    "postal_mail": ("hs_postal_mail_body", _WHEN),
    "orders": ("hs_order_name", "hs_total_price:number"),
    "leads": ("hs_lead_name", *_WAY, "hs_lead_type", "hs_lead_label:HOT|WARM|COLD"),
    "carts": ("hs_cart_name", "hs_total_price:number"),
    "services": ("hs_name", "hs_start_date:datetime"),
    "courses": ("hs_course_name", "hs_description"),
    "listings": ("hs_name", "hs_address_1", "hs_price:number"),
    "appointments": ("hs_appointment_name", "hs_appointment_start:datetime"),
}
"""Each written `name` (a text), `name:kind`, or `name:option|option`."""


def standard_types() -> list[ObjectType]:
    """Every one of them, new."""
    return [_standard(place, one) for place, one in enumerate(STANDARD)]


def _standard(place: int, one: TypeName) -> ObjectType:
    found = [_property(words) for words in PROPERTIES[one.plural]]
    names = NumberedType(*one, _FIRST_ID + place * _IDS_A_TYPE)
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
