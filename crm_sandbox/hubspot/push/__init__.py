"""Webhooks: what the account tells an address of the app's choice when records change.

    events          what happened, and how it is told      subscriptions   what is told
    outbox          what waits to be told, when it is tried again, and what came of it
    signing         v1 and v3                              sender          one POST, and whether it was taken

An event is queued when a record is saved, and says what was so then.
Source: https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""
