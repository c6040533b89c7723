"""A quote's sheet as PDF, drawn by fpdf2: pure Python, so that no browser and no system library is needed to print a page.

The fonts that come with it (a part of DejaVu Sans) know Latin, Greek and Cyrillic; for others a portal brings `font.ttf` and
`font-bold.ttf`.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TableCellFillMode, XPos, YPos
from fpdf.fonts import FontFace

from sync_worker.config.templates import Templates
from sync_worker.documents.page import ROOM, Paper, words_of

MARGIN_MM: Final = 20
BLUE, GREY, PALE = (31, 78, 121), (107, 114, 128), (243, 245, 248)
_FONT: Final = "sheet"


class _Sheet(FPDF):
    """A4 with what stands on every page."""

    def __init__(self, footer: str) -> None:
        super().__init__(format="A4")
        self._footer = footer
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM + 5)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font(_FONT, size=8)
        self.set_text_color(*GREY)
        self.cell(0, 5, self._footer)
        self.set_x(MARGIN_MM)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")


def as_pdf(templates: Templates, paper: Paper) -> bytes:
    """The sheet; the same paper is the same bytes."""
    words = words_of(paper)
    sheet = _Sheet(f"{paper.vendor} · {paper.title} {paper.number}")
    sheet.set_creation_date(datetime.combine(paper.made_on, time(), UTC))
    sheet.set_title(f"{paper.title} {paper.number}")
    sheet.set_author(paper.vendor)
    sheet.set_lang("en")
    for style, name in (("", "font.ttf"), ("B", "font-bold.ttf")):
        sheet.add_font(_FONT, style, _own_or_ours(templates.own, name))
    sheet.add_page()
    _head(sheet, words, templates.own / "logo.png")
    _lines(sheet, words)
    _payments(sheet, words)
    _signature(sheet, words)
    return bytes(sheet.output())


def _head(sheet: FPDF, words: dict[str, Any], logo: Path) -> None:
    if logo.is_file():
        sheet.image(logo, x=sheet.w - MARGIN_MM - 45, y=MARGIN_MM, w=45, h=18, keep_aspect_ratio=True)
    sheet.set_font(_FONT, "B", 20)
    sheet.set_text_color(*BLUE)
    sheet.cell(0, 10, words["title"], new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    _say(sheet, f"{words['number']} · {words['made_on']}", size=9, color=GREY)
    sheet.ln(6)
    facts = [("From", words["vendor"]), ("For", words["addressee"]), ("Deal", words["deal"]), ("Term", words["term"])]
    if words["discount"]:
        facts.append(("Discount", words["discount"]))
    for label, value in facts:
        sheet.set_font(_FONT, size=10)
        sheet.set_text_color(*GREY)
        sheet.cell(26, 6, label)
        sheet.set_text_color(0)
        sheet.multi_cell(0, 6, value, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(6)


def _lines(sheet: FPDF, words: dict[str, Any]) -> None:
    columns = [("Product", "name", 66), ("Licences", "count", 20), (f"List price a year, {words['currency']}", "unit_price", 30)]
    columns += [("List amount", "list_amount", 27)] if words["is_discounted"] else []
    columns += [("Amount", "amount", 27)]
    rows = [[line[key] for _, key, _ in columns] for line in words["lines"]]
    _table(sheet, [title for title, _, _ in columns], rows, [width for _, _, width in columns])
    sheet.ln(1)
    sheet.set_font(_FONT, "B", 11)
    sheet.cell(0, 9, f"Total  {words['total']}", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(5)


def _payments(sheet: FPDF, words: dict[str, Any]) -> None:
    sheet.set_font(_FONT, "B", 12)
    sheet.set_text_color(*BLUE)
    sheet.cell(0, 8, "Payments", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    rows = [[payment["due_on"], payment["amount"]] for payment in words["payments"]]
    _table(sheet, ["Due", "Amount"], rows, [40, 45])
    sheet.ln(4)


def _signature(sheet: FPDF, words: dict[str, Any]) -> None:
    """Who signed, or three lines to sign on, which never stand alone on a page's edge."""
    signed = words["signature"]
    if signed:
        _say(sheet, f"Signed by {signed.name} for {signed.company} on {signed.on}.", size=11)
        return
    if sheet.will_page_break(40):
        sheet.add_page()
    sheet.ln(24)
    width = (sheet.epw - 16) / 3
    top = sheet.get_y()
    for place, label in enumerate(("Place, date", f"Name, for {words['addressee']}", "Signature")):
        left = MARGIN_MM + place * (width + 8)
        sheet.line(left, top, left + width, top)
        sheet.set_xy(left, top + 1)
        sheet.set_font(_FONT, size=8)
        sheet.set_text_color(*GREY)
        sheet.multi_cell(width, 4, label, align="L")


def _table(sheet: FPDF, titles: list[str], rows: list[list[str]], widths: list[float]) -> None:
    """Titles again on each page; the first column to the left, numbers to the right."""
    sheet.set_font(_FONT, size=9)
    sheet.set_text_color(0)
    aligns = tuple("L" if place == 0 else "R" for place in range(len(titles)))
    with sheet.table(
        width=sum(widths),
        col_widths=tuple(widths),
        align="L",
        text_align=aligns,
        line_height=6,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=BLUE, fill_color=PALE),
        cell_fill_mode=TableCellFillMode.NONE,
    ) as table:
        for row in (titles, *rows):
            table.row(row)


def _say(sheet: FPDF, words: str, *, size: int, color: tuple[int, int, int] = (0, 0, 0)) -> None:
    sheet.set_font(_FONT, size=size)
    sheet.set_text_color(*color)
    sheet.multi_cell(0, 6, words, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _own_or_ours(own: Path, name: str) -> Path:
    return own / name if (own / name).is_file() else ROOM / "fonts" / name
