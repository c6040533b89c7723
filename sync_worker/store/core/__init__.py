"""What every table and every step needs. Start with `engine.py`: `Store` opens transactions, and every function takes one (`Tx`).

engine.py      `Store` and `Tx`: the engine, its transactions, the database's clock
statements.py  how rows are written many at once, and conditions for both databases
postgresql.py  what a PostgreSQL server must be
columns.py     column types that SQLite and PostgreSQL do not share
documents.py   JSON columns: what goes in comes out
trouble.py     what the database's errors mean to the steps
tables.py      the tables of this folder
portals.py     the portal's own row: mode, read numbers, pause
cursors.py     how far each record type is read, and who reads it
catalogs.py    what the CRM last described of each record type
runs.py        what each run did, in numbers
failures.py    what did not pass, or passed with a problem
companies.py   companies as the portal knows them
feed.py        the feed's log: events in the order of commits
"""
