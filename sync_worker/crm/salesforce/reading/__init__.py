"""Records and record types are read.

load.py      a scan, by pages or by a job: the cheaper of the two
cuts.py      where a scan can be cut, so that its parts are read side by side
reader.py    records by pages, by id or by our key
bulk.py      records by a job of the Bulk API
cells.py     the CSV of such a job, as rows
soql.py      the queries we send
records.py   a row becomes a record
describe.py  what a record type looks like
"""
