"""An imitation of the Salesforce REST API, faithful to recorded answers and to the vendor's documents.

A request's way in, and back:

    app              all of it put together              door             who may enter, and the day's calls
    kinds            what a request is, by our names     auth, login/     sessions, and the ways to get one
    routing          an address and a method             replies          JSON answers
    errors           what a refusal says                 words            what is said with a code that a fault orders
    etags            entity tags                         zipping          answers that travel zipped

What clients ask for:

    rows             one record                          collections      up to 200 records in one call
    composite        several requests in one             composite_refs   the answer of one part in another
    queries          a query in pages, with locators     replication      ids that changed in a stretch of time
    describe         metadata                            limits           the answer of /limits
    lead_mapping     how leads convert                   bulk/            jobs that are polled and fetched as CSV
    tooling/         custom fields

A query's way:

    soql             text → tree                         soql_grammar     what can be written
    soql_tree        what the tree is made of            soql_literals    a literal → the value that is compared
    soql_names       a name → the column it means        date_words       TODAY, LAST_N_DAYS:30
    soql_sql         tree → SQL                          soql_where       the conditions of it
    result           rows as JSON has them

What there is:

    org              records, clock, people and rules together; a reset begins them again
    state            one running sandbox                 seed             a plausible org of any size
    schema, fields   what a record type is made of       objects          the types that there are
    store            rows in an in-memory SQLite         ids              15 and 18 characters
    records          what a write does                   values           what a write may say
    references       a parent named by its key           lifecycle        undelete, merge, convert, empty the bin
    access           which fields the user may see       permission_types  the records that say so
    stamps           how the vendor writes time          push/            outbound messages

What a person, an admin or bad luck does:

    controls         the controls of this CRM            control_route    one control, and what it says when it refuses
    admin_controls   picklists, fields left out

docs/sandbox.md says what is not imitated.
"""
