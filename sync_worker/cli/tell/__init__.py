"""Commands about what the portal and its people are told.

feed.py  feed: events to the portal's receiver
mail.py  mail: mails to people
"""
