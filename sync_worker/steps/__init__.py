"""The verbs. A step reads through the CRM's port and the store, lets `domain` decide, and commits. It has no SQL and names no vendor.

A folder imports only folders above it in this list:

    core/          what every step needs: one portal and its ports, chunks, leases and claims
    people/        the users of a portal, and whose token a request carries
    associations/  who may work with whom, by contract or by rule
    tell/          events and mails: written in the commit of a change, sent afterwards
    distributors/  subgroups, terms and agreements
    deals/         register, move, decide, quote, sell, expire
    sync/          between CRM and portal: ingest/ reads, push/ writes
    operate/       what an operator asks for: setup/ of a CRM, plan, replay, status, erasure

A step returns what it did, and which steps have work now (`FollowUp`). The actor or the command line sends that to the queue after the
commit.
"""
