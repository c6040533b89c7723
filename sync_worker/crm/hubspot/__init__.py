"""HubSpot behind `crm/port.py`.

adapter.py       the port: joins the files below
session.py       one account for a portal, one connection for each thread
login.py         the ways to log in
wire.py          what every request goes through
pace.py          how fast one process may ask
shared_pace.py   the same, kept in Redis for all processes
faults.py        what each answer of the vendor means: the table of error codes
reader.py        records by search, by list, by id or by our key
search.py        the searches we send
records.py       a row becomes a record
associations.py  companies of a deal, read and written as fields
label_plan.py    which calls bring a deal's companies to what is wished
writer.py        writes records, 100 a call
describe.py      what a record type looks like
options.py       the options of a property
schema.py        makes properties, options and labels
"""
