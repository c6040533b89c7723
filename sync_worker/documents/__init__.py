"""Documents for people: a quote as HTML (`page.py`) and as PDF (`sheet.py`), from the very numbers that the API gives as JSON."""
