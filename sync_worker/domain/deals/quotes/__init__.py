"""Quotes: what a deal costs its buyer.

price_list.py     what one licence of a product costs for a year
quote.py          what a deal costs its buyer, and when it is paid
quote_policy.py   who may make, see, send and sign which quote
quote_numbers.py  a quote as plain numbers, and back
"""
