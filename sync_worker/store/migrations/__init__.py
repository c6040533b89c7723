"""How a database gets from one version of the schema to the next. `store/operate/migrate.py` runs it; nothing else does.

    env.py     Alembic's entry
    kinds.py   the column types and indexes in which revisions are written
    versions/  one file for each revision, in the order of their numbers

A new revision begins from `script.py.mako`. A revision that has been released is never edited.
"""
