"""Commands about a portal's people.

console.py  console: who may open the pages in a browser
people.py   people: the users; a person's data erased
tokens.py   tokens: who may use the API
"""
