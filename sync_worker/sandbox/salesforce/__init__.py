"""An imitation of the Salesforce REST API, faithful to recorded answers and to the vendor's documents.

    schema ── objects        what records look like            ids       15- and 18-character ids
    store                    rows in an in-memory SQLite       seed      a plausible org of any size
    org                      the store, its clock, its rules and its users, together
    values ── records        what a write may say, and what it does       lifecycle   delete, merge, convert, …
    soql ── soql_sql ── queries      SOQL text → tree → SQL → pages and locators
    auth ── door ── app      tokens, who may enter, routes: rows, collections, describe

What is not imitated stands in docs/sandbox.md.
"""
