"""sync-worker keeps a partner portal and its CRM equal. THE MAP.

It assumes that you have read the README, which explains *base*, *claim*, *outbox* and *notice* (`domain/__init__.py` has every word of the
product). Three words are the code's own. *Tenant*: one portal with its store, its CRM and its mapping; nearly every step takes one.
*Chunk*: at most 2,000 records that are committed together. *Cursor*: how far one record type has been read; its row also holds the *lease*,
which makes sure that only one worker reads that type at a time.

A deal's way, and any other record's:

    PULL, REFRESH   ask the CRM for records: those that changed, or         steps/sync/ingest/pull.py
       │            those that a webhook named                              steps/sync/ingest/refresh.py
       ▼
    INGEST          one commit for each chunk of records                    steps/sync/ingest/ingest.py
       │            normalize   CRM fields become ours                      mapping/compile.py
       │            link        which deal it is, which companies it names  steps/sync/ingest/deals/prefetch.py
       │            reconcile   each field compared with its base           domain/core/reconcile.py
       │            follow      the moves and problems that this means      domain/sync/ingest/deals/merge.py
       │            store       values, history, outbox, events, cursor     steps/sync/ingest/deals/write.py
       ▼
    REGISTER, MOVE  people change a deal in the portal: the change and      steps/deals/register.py
       │            its row in the outbox are one commit                    steps/deals/move.py
       ▼
    PUSH            the writes in the outbox go to the CRM                  steps/sync/push/push.py
       │            claim       no other worker sends them too              steps/core/claim.py
       │            merge       the record is read and ingested first       steps/sync/ingest/refresh.py
       │            send        one call for many records                   crm/port.py, crm/salesforce/, crm/hubspot/
       │            settle      the base is what was sent; or a failure     steps/sync/push/settle.py
       │            read back   a notice: the record comes in by REFRESH    store/sync/notices.py
       ▼
    DELIVER, MAIL   the portal's receiver and people are told               steps/tell/deliver.py, steps/tell/mail.py

An actor (actors.py) calls each of these steps when a message asks for it, and the schedule (schedule.py) sends the messages. A message is
only a hint: the database knows what is due. REGISTER and MOVE are called by the API (web/api/deals/).

Two more ways end in INGEST: an operator replays what failed (steps/operate/replay.py), and every night all records are compared with the
CRM's (steps/sync/ingest/compare.py). When companies or rules change, EVALUATE works out who may work with whom
(steps/associations/evaluate.py).

Where things are. Four packages have the same folders inside, one for each part of the product:

    domain/     what two-tier distribution means: pure functions over values
    steps/      the verbs: read, let the domain decide, commit
    store/      the memory, SQLite or PostgreSQL
    web/        HTTP; its api/ has the portal's addresses in these folders, its console/ the operator's pages, its webhooks/ what CRMs say

    core < people | associations < tell < distributors < deals < sync < operate       each imports only those to its left

    core/          what all of them need: values, companies, the portal and its ports, the engine, runs, failures
    people/        users of a portal, and what each may see
    associations/  who may work with whom, by contract or by rule
    tell/          events to the portal's receiver, mails, reminders
    distributors/  subgroups, their parent, terms, agreements
    deals/         a deal's way in the portal: register, move, decide, quote, sell, expire
    sync/          between CRM and portal: ingest/ reads, push/ writes
    operate/       what an operator asks for: setup/ of a CRM, plan, replay, resolve, pause, status, erasure

The other packages:

    crm/        the CRMs behind one port: salesforce/ and hubspot/
    mapping/    the language of mappings/*.yaml: how a CRM spells what we mean
    config/     what people write: portal files, price files, the environment; every mistake in its place
    mail/       mails, and the way to an SMTP server
    documents/  quotes as HTML and PDF
    boundary/   what comes from outside and what goes there, made safe: text, headers, tokens, secrets
    queues/     the messages to the workers, inside one process or in Redis
    telemetry/  for people who watch: the log, what a process counts, which request a piece of work began with
    cli/        the commands, in the same folders
    demo/       the whole story on both local CRMs, which are crm_sandbox/, a package of its own

Processes:

    bootstrap.py    where everything is built and joined
    actors.py       what a worker does with a message, and what an error means for the next one
    schedule.py     looks for what is due
    gauges.py       what the database and the queue know, for Prometheus
    services.py     time, ids and chance, handed to the steps
    garbage.py      how often Python looks for unused objects, and how many heaps there are
    editing.py      a person edits a portal file or a mapping: check, preview, save
    heartbeat.py    each process says that it is there
    fingerprint.py  which files a process was started with

The ways out of a portal, and what all packages share:

    connections/    a portal's ways to its CRM and to its receiver
    receiver.py     one signed POST to the portal's receiver: the address in the portal to which events are sent
    files.py        files that people upload, in a folder or in S3
    provider.py     the company's own log-in, for the console
    errors.py       what can go wrong, sorted by what to do next
    nearest.py      what a person may have meant who wrote another word

Five sentences explain most of the code. The records of a chunk, what follows from them and the cursor are one commit. A webhook is a
hint: the CRM is read again. A write is claimed before it is sent, and read back after. Each field has a base, so we know which side
changed it since. One table names everything that can be done with a deal, and a refusal says who could do it.

Imports point down only: demo → cli → web | schedule → actors → bootstrap → connections → steps → crm | store | mail | documents → mapping →
config → domain | services → errors | telemetry → boundary | nearest. `make check` holds it.
"""
