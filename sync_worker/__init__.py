"""sync-worker keeps a partner portal and its CRM telling the same story. THE MAP: one record's way through the rooms.

    schedule ──► PULL ─────┐ pages of native records      steps/pull.py
    notice ────► REFRESH ──┼──────► INGEST ─────────────► PUSH ──► CRM      steps/push.py
    operator ──► REPLAY ───┘        normalize  mapping/    claim       store/  commit
                                    link       store/      read, merge steps/refresh.py
    portal ──► REGISTER, DECIDE ──► reconcile  domain/     send        crm/
                                    associate  domain/     settle: base := sent, or a failure   commit
                                    store + outbox + cursor            read back ──► INGEST
                                    ── one commit a chunk ──

Where things are:

    domain/     what two-tier distribution means; pure             company association deal registration reconcile merge problem breaker
    mapping/    the language of mappings/*.yaml                    grammar transforms lint load compile
    crm/        the outside, behind port.py                        faults batches budget salesforce/ hubspot/
    store/      the memory, SQLite or PostgreSQL                   tables/ engine, then one file per noun
    steps/      the verbs                                          pull refresh ingest associate register decide expire push check compare
    mail/       letters, and the way to an SMTP server             letter smtp
    documents/  quotes as HTML and PDF                             page sheet
    files.py    what people upload, in a folder or in S3           templates.py  what a portal may replace
    actors.py   who runs a step, and what an error means for the next one
    schedule.py when to look for what is due       bootstrap.py  where everything is joined
    web/ cli/   the doorsteps                      sandbox/      a local CRM that shares nothing with us
    portal.py portal_file.py source.py scalars.py settings.py     what people write, every mistake with its place
    trail.py    whose request it was, through the queue      metrics.py figures.py   for whoever watches

Four sentences that explain most of the code. A page's records, what follows from them and the cursor are one commit. A webhook is a hint,
the CRM is read again. A write is claimed before it is sent and read back after. Each field remembers the pair both sides last agreed on.

Imports point down only: cli → web | schedule → actors → bootstrap → steps → crm | store → mapping → portal → … → trail | metrics → errors.
"""
