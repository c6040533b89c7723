"""Addresses of deals.

deals.py         /deals: register, look, list, edit; /changes explains
moves.py         /deals/{id}/approvals, /submit, /withdraw, … : one address for each move
quotes.py        /deals/{id}/quotes and /licences
prices.py        /prices
deal_shapes.py   bodies of deals, moves and histories
quote_shapes.py  bodies of quotes, prices and licences
"""
