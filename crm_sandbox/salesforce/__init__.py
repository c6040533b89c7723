"""An imitation of the Salesforce REST API, faithful to recorded answers and to the vendor's documents.

The imitation of HubSpot has the same folders, without `soql/`, `bulk/` and `tooling/`. A folder imports only folders above it in this list:

    wire/         what a request is and what an answer looks like: addresses, errors, ids, stamps
    schema/       what record types are made of, and which there are
    data/         the records, and what a write does
    login/        the ways to get a session
    soql/         a query: text → tree → SQL → rows
    push/         outbound messages
    bulk/         jobs of the Bulk API
    tooling/      custom fields
    state.py      one running sandbox: all of this together
    controls/     what a person, an admin or bad luck does, by order of a test
    door.py       who may enter, and the day's calls
    locking.py    the rows of a call, locked while it waits and works
    api/          the addresses that clients ask
    app.py        all of it put together

docs/sandbox.md says what is not imitated.
"""
