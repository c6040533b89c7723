"""A quote on paper, from the same numbers that the API gives as JSON.

page.py   a quote as HTML
sheet.py  a quote as PDF
"""
