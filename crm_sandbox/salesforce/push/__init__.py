"""Outbound messages: what the org tells an address of the admin's choice when records change.

    subscriptions   what is told to whom           envelope   the SOAP message
    outbox          what waits to be told, and when it is tried again          sender     one POST, and whether it was taken

A message is queued when a record is saved and says what the record is when it is sent.
Source: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm
"""
