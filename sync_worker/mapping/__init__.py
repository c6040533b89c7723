"""The language of `mappings/*.yaml`: how a CRM spells what we mean. It reads the files that it is given; no database, no network.

grammar.py          what can be written in a mapping file
vocabulary.py       the portal's field names, and what each one holds
transforms.py       how one value is read, and how it is spelled
load.py             a file and a portal's overrides, or all mistakes with their places
places.py           where a field is written down
lint.py             what is wrong with a mapping that can be read
fit.py              whether a mapping and a portal file fit together
catalog.py          what the CRM describes of a record type
compile.py          THE RESULT: functions from native records to our values, and back
fields.py           one field of a compiled mapping
required_schema.py  what the CRM must have so that the mapping works
condition_fields.py  which fields conditions may name
fillable.py         which field a backfill means
examples.py         runs the examples of a mapping file
keep.py             makes an example of a record that was tried
"""
