"""Commands about what the portal and its people are told.

feed.py      feed: events to the portal's receiver
mail.py      mail: mails to people
journeys.py  journeys: mails that the vendor makes up
"""
