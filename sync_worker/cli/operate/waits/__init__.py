"""`waits`: how long until something is tried again. docs/waits.md is made from it.

waits.py          the command, and the page
waits_of_crm.py   what waits for the CRM
waits_of_ours.py  what waits for our own parts, for mail and for the portal
wait_words.py     waits in words
"""
