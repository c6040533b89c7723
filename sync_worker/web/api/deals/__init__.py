"""Addresses of deals.

deals.py         /deals: register, look, list, edit; /changes explains
wishes.py        what a list can be asked for: filters and an order
sheet.py         /deals.csv: the list as a file
insights.py      /insights: how many deals there are and what they are worth
moves.py         /deals/{id}/approvals, /submit, /withdraw, … : one address for each move
quotes.py        /deals/{id}/quotes and /licences
notes.py         /deals/{id}/notes
files.py         /deals/{id}/files
prices.py        /prices
forms.py         /portals/{portal} itself, and /fields: what the portal's forms need
deal_shapes.py   bodies of deals, moves and histories
attached_shapes.py  bodies of notes and files on deals
attached_views.py   what the addresses of notes and of files have in common
form_shapes.py   bodies of what forms need
quote_shapes.py  bodies of quotes, prices and licences
"""
