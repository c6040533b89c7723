"""An imitation of HubSpot's CRM API, numbered and dated, faithful to recorded answers and to the vendor's documents.

The imitation of Salesforce has the same folders, and three more. A folder imports only folders above it in this list:

    wire/         what a request is and what an answer looks like: addresses, errors, limits, stamps
    schema/       what record types are made of, and which there are
    data/         the records, searches over them, and what a write does
    login/        tokens
    push/         webhooks
    state.py      one running sandbox: all of this together
    controls/     what a person, an admin or bad luck does, by order of a test
    door.py       who may enter
    locking.py    the records of a call, locked while it waits and works
    api/          the addresses that clients ask
    app.py        all of it put together
    remote.py     a client for the controls

docs/sandbox.md says what is not imitated.
"""
