"""Addresses of deals.

deals.py         /deals: register, look, list, edit; /changes explains
moves.py         /deals/{id}/approvals, /submit, /withdraw, … : one address for each move
quotes.py        /deals/{id}/quotes and /licences
prices.py        /prices
forms.py         /portals/{portal} itself, and /fields: what the portal's forms need
deal_shapes.py   bodies of deals, moves and histories
form_shapes.py   bodies of what forms need
quote_shapes.py  bodies of quotes, prices and licences
"""
