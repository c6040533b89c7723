"""What people write, read with every mistake in its place. A mapping's own language is in `mapping/`.

portal.py         a portal file as it is once read
portal_file.py    reads config/portals/*.yaml
portal_rules.py   other rules for a portal, before they stand in its file
portal_schema.py  what editors know of a portal file
price_file.py     reads config/prices/*.yaml
journey_file.py   reads config/journeys/*/*.yaml
settings.py       the environment
templates.py      mail and document templates that a portal can replace

source.py         YAML with its lines and columns
draft.py          the text of a file before it is saved, and how it takes the file's place
validation.py     a file held against its model: what is wrong, and where
scalars.py        one written value: a length of time, a share, an address
nodes.py          a tree of plain values, by its paths
api_names.py      what can be a vendor's name of a field
"""
