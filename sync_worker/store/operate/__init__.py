"""All portals at once, the schema as a whole, and what people did.

schema.py         every table of the schema
version.py        where a database stands
migrate.py        its way to the newest version
due.py            what is due, of every portal at once
overview.py       what the database says of all portals, for those who watch
standings.py      how the portals that are named stand, for `status`
processes.py      the processes, by their heartbeats
interventions.py  what people did about failures and conflicts, and why
inquiries.py      what people ask of the CRM, and what a worker answered
halts.py          portals that a person has paused
grants.py         what a person's consent at the CRM has left, sealed
retention.py      old rows are removed, one batch a call
erasure.py        what many tables keep of a person
copies.py         a portal's rows copied into files, to be worked on
tables.py         the tables of this folder
"""
