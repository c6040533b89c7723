"""What the vendor calls its record types: in an address by the plural name, by the singular, or by the id.

Source: https://developers.hubspot.com/docs/guides/crm/understanding-the-crm
"""

from typing import NamedTuple


class TypeName(NamedTuple):
    """A record type's names."""

    plural: str
    singular: str
    type_id: str


STANDARD = (  # those that are empty at first
    TypeName("tickets", "ticket", "0-5"),
    TypeName("products", "product", "0-7"),
    TypeName("line_items", "line_item", "0-8"),
    TypeName("quotes", "quote", "0-14"),
    TypeName("communications", "communication", "0-18"),
    TypeName("feedback_submissions", "feedback_submission", "0-19"),
    TypeName("tasks", "task", "0-27"),
    TypeName("notes", "note", "0-46"),
    TypeName("meetings", "meeting_event", "0-47"),
    TypeName("calls", "call", "0-48"),
    TypeName("emails", "email", "0-49"),
    TypeName("invoices", "invoice", "0-53"),
    TypeName("subscriptions", "subscription", "0-69"),
    TypeName("goal_targets", "goal_target", "0-74"),
    TypeName("discounts", "discount", "0-84"),
    TypeName("fees", "fee", "0-85"),
    TypeName("taxes", "tax", "0-86"),
    TypeName("commerce_payments", "commerce_payment", "0-101"),
    TypeName("users", "user", "0-115"),
    TypeName("postal_mail", "postal_mail", "0-116"),
    TypeName("orders", "order", "0-123"),
    TypeName("leads", "lead", "0-136"),
    TypeName("carts", "cart", "0-142"),
    TypeName("services", "service", "0-162"),
    TypeName("courses", "course", "0-410"),
    TypeName("listings", "listing", "0-420"),
    TypeName("appointments", "appointment", "0-421"),
)
TYPE_NAMES = (
    TypeName("contacts", "contact", "0-1"),
    TypeName("companies", "company", "0-2"),
    TypeName("deals", "deal", "0-3"),
    *STANDARD,
)
PLURALS = {alias: one.plural for one in TYPE_NAMES for alias in (one.singular, one.type_id)}
