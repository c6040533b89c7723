"""Commands about a portal's people.

people.py  people: the users; a person's data erased
tokens.py  tokens: who may use the API
"""
