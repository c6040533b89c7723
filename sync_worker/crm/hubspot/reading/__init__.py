"""Records and record types are read.

reader.py    records by search, by list, by id or by our key
search.py    the searches we send
records.py   a row becomes a record
describe.py  what a record type looks like
options.py   the options of a property
"""
