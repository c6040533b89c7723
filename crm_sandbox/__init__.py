"""A local Salesforce and a local HubSpot, to try mappings and failures on before a real org is touched. THE MAP:

    process.py    start one as a thread or as an OS process, and stop it
    remote.py     speak to its controls: edits by a person, faults, the clock
    wire.py       what every imitation does on the wire: Date header, fault orders, call counts
    clock.py      the imitation's own clock          faults.py   orders for trouble
    calls.py      what was asked of it, counted      controls.py  the controls that both have
    latency.py    how long calls take                waits.py     waiting by the sandbox's own clock
    routing.py    an address, found by how it begins
    consent_page.py  where a person lets an app in
    xml_text.py   the texts of small XML documents
    seed/         the companies, deals and people that every imitation begins with
    salesforce/   the Salesforce REST API            hubspot/    HubSpot's CRM API

Nothing here imports `sync_worker`, and the adapters there are written without reading this: two readings of the vendor's documents
that must agree. Production does not need this package, nor lark, its grammar library: the extra [sandbox]. docs/sandbox.md lists what
is imitated and what is not.
"""
