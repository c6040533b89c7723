"""Records and record types are read.

reader.py    records by search, by list, by id or by our key
search.py    the searches we send
cuts.py      where a scan can be cut, so that its parts are read side by side
records.py   a row becomes a record
describe.py  what a record type looks like
options.py   the options of a property
"""
