"""PAPER: a quote as its documents say it, for those who may see it, and as what goes with a mail."""

from __future__ import annotations

from datetime import tzinfo

from sync_worker.config.templates import Templates
from sync_worker.documents.page import Paper, Signature, as_html
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.deals.quotes.quote_policy import recipient_company
from sync_worker.errors import RecordError
from sync_worker.mail.letter import Enclosure
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, quotes
from sync_worker.store.deals.quotes import StoredQuote


def paper_of(tx: Tx, deal: Deal, quote: StoredQuote, *, zone: tzinfo) -> Paper:
    """The quote as a document says it. **Shapes** `zone` says on which day it was made and signed."""
    vendor = companies.vendor(tx)
    addressee = recipient_company(quote.quote.column, deal)
    named = companies.by_ids(tx, [one for one in (addressee, quote.signed_for) if one])
    vendor_name = vendor.name if vendor else tx.portal
    signature = None
    if quote.signed_at:
        company = named.get(quote.signed_for or "")
        on = quote.signed_at.astimezone(zone).date()
        signature = Signature(quote.signed_by or "", company.name if company else vendor_name, on)
    return Paper(
        quote=quote.quote,
        number=quote.number,
        deal=str(deal.values.get("name") or deal.id),
        vendor=vendor_name,
        addressee=named[addressee].name if addressee in named else "",
        made_on=quote.made_at.astimezone(zone).date(),
        signature=signature,
    )


def enclosures(tx: Tx, quote_id: str, *, templates: Templates, zone: tzinfo) -> tuple[Enclosure, ...]:
    """The sheet and the page of a quote, as they go with a mail. **Raises** RecordError where there is no such quote; ConfigError."""
    from sync_worker.documents.sheet import as_pdf  # its library takes a tenth of a start and 17 MB: only where a PDF is made

    quote = quotes.get(tx, quote_id)
    stored = deals.get(tx, quote.quote.deal_id) if quote else None
    if quote is None or stored is None:
        raise RecordError(f"the quote {quote_id} of this mail is not there any more", code="quote_unknown")
    paper = paper_of(tx, stored.deal, quote, zone=zone)
    name = f"quote-{paper.number}"
    return (
        Enclosure(f"{name}.pdf", "application/pdf", as_pdf(templates, paper)),
        Enclosure(f"{name}.html", "text/html", as_html(templates, paper).encode()),
    )
