"""Webhooks: a CRM says which records have changed. Their new values are never taken from the message; the record is read again.

    routes.py      the two addresses: refuse, or store and only then answer
    heard.py       what one request says, in our words; or why it says nothing
    salesforce.py  Salesforce's outbound messages
    hubspot.py     HubSpot's lists of events
    signature.py   how HubSpot proves that a request is its own
    inbox.py       the notices of all requests that wait, in one commit
    debounce.py    one refresh for all notices of half a second

request ─▶ whose? proven? ─▶ ids ─▶ notices, committed ─▶ answer ─▶ half a second ─▶ REFRESH
"""
