"""The memory: SQLAlchemy Core on SQLite or PostgreSQL alike. Each file holds one noun: functions over a transaction.

Nothing is decided here, and nothing is sent. Every key begins with the portal, so that no portal sees another's rows. A folder imports
only folders above it in this list, and its tables are in its `tables.py`:

    core/          the engine; portals, cursors, runs, failures, companies, the feed's log
    people/        users, tokens, answers given before
    associations/  contract values, rules and their members
    tell/          what is owed to the portal's receiver, and mails
    distributors/  subgroups, terms, agreements
    deals/         deals, their CRM records, conflicts, quotes, licences
    sync/          the outbox, notices, and what failing writes have taught
    operate/       interventions, processes, what is due, retention; the schema as a whole
    migrations/    how a database gets from one version of the schema to the next
"""
