"""sync-worker keeps a partner portal and its CRM telling the same story. THE MAP: one record's way through the rooms.

    schedule ──► PULL ─────┐ pages of native records      steps/sync/ingest/pull.py
    notice ────► REFRESH ──┼──────► INGEST ─────────────► PUSH ──► CRM      steps/sync/push/push.py
    operator ──► REPLAY ───┘        normalize  mapping/    claim       store/  commit
                                    link       store/      read, merge steps/sync/ingest/refresh.py
    portal ──► REGISTER, MOVE ────► reconcile  domain/     send        crm/
                                    associate  domain/     settle: base := sent, or a failure   commit
    rules edited ──► EVALUATE ────► memberships            read back ──► INGEST
                                    store + outbox + cursor + what is told
                                    ── one commit a chunk ──► DELIVER to the portal, MAIL to people

Where things are. Four floors are cut by the same words, and a word imports only words to its left:

    core < people | associations < tell < distributors < deals < sync < operate

    domain/     what two-tier distribution means; pure        steps/     the verbs: read, let the domain decide, commit
    store/      the memory, SQLite or PostgreSQL              web/api/   the addresses of the portal's API

    core/          what all words need: values, companies, the portal and its ports, the engine, runs, failures
    people/        users of a portal, and what each may see
    associations/  who may work with whom, by contract or by rule
    tell/          events to the portal's receiver, mails, reminders
    distributors/  subgroups, their parent, terms, agreements
    deals/         a deal's way: register, move, decide, quote, sell, expire
    sync/          between CRM and portal: ingest/ reads, push/ writes
    operate/       what an operator asks for: setup/ of a CRM, plan, replay, resolve, pause, status, erasure

The other rooms:

    mapping/    the language of mappings/*.yaml               grammar transforms lint load compile required_schema
    crm/        the outside, behind port.py                   faults renewal batches budget rehearsal salesforce/ hubspot/
    mail/       letters, and the way to an SMTP server        letter post smtp
    documents/  quotes as HTML and PDF                        page sheet
    web/        the doors over HTTP                           app answers standards api/ webhooks/
    cli/        the commands, one file a group                app
    demo/       the whole story on both local CRMs; they are crm_sandbox/, a package of its own
    actors.py   who runs a step, and what an error means for the next one      bootstrap.py  where everything is joined
    connections.py  a portal's ways to its CRM and to its feed's receiver
    heartbeat.py  who is there              fingerprint.py  which files a process was started with
    schedule.py when to look for what is due       receiver.py  who hears the feed      tokens.py  who may use the API
    files.py    what people upload, in a folder or in S3           templates.py  what a portal may replace
    portal.py portal_file.py price_file.py source.py scalars.py settings.py     what people write, every mistake with its place
    headers.py  what an answer's headers say of time, read so that none can stop us
    nodes.py    a tree of what is written, by its paths        nearest.py  what a person may have meant
    api_names.py  how each vendor spells a name                portal_schema.py  what editors know of a portal file
    text.py     what no database can hold, replaced at the door
    redaction.py what is secret, masked in every error's words and in the log
    correlation.py  whose request it was, through the queue      logs.py metrics.py gauges.py   for people who watch

Five sentences that explain most of the code. A page's records, what follows from them and the cursor are one commit. A webhook is a hint,
the CRM is read again. A write is claimed before it is sent and read back after. Each field remembers the pair both sides last agreed on.
What may be done with a deal is one table, and whatever is refused says who could.

The local CRMs are a package of their own that shares nothing with us: crm_sandbox/. Only demo/ and the command `sandbox` use it.

Imports point down only: demo → cli → web | schedule → actors → bootstrap → steps → crm | store → mapping → portal → …
→ trail | metrics → errors.
"""
