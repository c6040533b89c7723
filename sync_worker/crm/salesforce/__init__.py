"""Salesforce behind `crm/port.py`.

adapter.py        the port: joins the files below
session.py        one log-in for a portal, one HTTP session for each thread
login.py          the ways to log in
wire.py           what every request goes through
faults.py         what each answer of the vendor means: the table of error codes
load.py           a scan, by pages or by a job: the cheaper of the two
reader.py         records by pages, by id or by our key
bulk.py           records by a job of the Bulk API
cells.py          the CSV of such a job, as rows
soql.py           the queries we send
records.py        a row becomes a record
ids.py            ids of 15 and of 18 characters
writer.py         writes records, 200 a call
schema.py         what a record type looks like
custom_fields.py  a wish as a custom field's metadata
admin.py          makes fields, list values and rights
lead_mapping.py   how leads become opportunities
"""
