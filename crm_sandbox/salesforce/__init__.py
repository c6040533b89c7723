"""An imitation of the Salesforce REST API, faithful to recorded answers and to the vendor's documents.

    schema ── fields ── objects        what records look like            ids       15- and 18-character ids
    store                    rows in an in-memory SQLite       seed      a plausible org of any size
    org                      the store, its clock, its rules and its users, together
    values ── records        what a write may say, and what it does       lifecycle   delete, merge, convert, …
    soql ── soql_where ── soql_sql ── queries ── result      SQL-like text → tree → SQL → pages and locators
    auth, login/ ── door ── app      sessions, ways to get one, who may enter, routes
    rows, collections, composite, replication, bulk/      what clients ask for, one and many at a time
    push/                    outbound messages
    controls                 what a person, an admin or bad luck does

What is not imitated stands in docs/sandbox.md.
"""
