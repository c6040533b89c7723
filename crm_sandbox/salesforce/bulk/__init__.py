"""Bulk API 2.0: jobs that are made, polled, and fetched as CSV.

    jobs          what any job is, its states, and the book of all jobs        csv_text     the vendor's CSV, both ways
    extract       query jobs: a result by pages and locators                  load         ingest jobs: rows in, rows out
    cells         a CSV cell → the value of a write

A job belongs to the org, not to a session: its locators last as long as it does. Version 1 (`/services/async`) is refused.
"""
