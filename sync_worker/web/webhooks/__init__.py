"""Webhooks: what a CRM says has changed. It names records; nothing of what it says about them is believed.

    routes      the two addresses: refuse, or store and only then answer
    heard       what one request says, in our words; or why nothing was heard
    salesforce  outbound messages       hubspot    lists of events       signature    HubSpot's proofs
    inbox       the notices of all waiting requests, one commit          bell         one refresh for all that came within half a second

request ─▶ whose? proven? ─▶ ids ─▶ notices, committed ─▶ answer ─▶ half a second ─▶ REFRESH
"""
