"""An imitation of HubSpot's CRM API, numbered and dated, faithful to recorded answers and to the vendor's documents.

A request's way in, and back:

    app              all of it put together              paths            every generation's addresses become one
    door             who may enter                       limits           how many calls an account may make
    kinds            what a request is, by our names     login/           tokens
    routing          an address, a method, a body        replies          JSON answers
    errors           what a refusal says                 trouble          what is said by order of a fault

What clients ask for:

    object_routes    one record, or a page of them       batch_routes     a hundred records at once
    search_routes    a search                            search           filters become sorted ids
    property_routes  what records look like              property_bodies  what a body says of a property
    association_routes, label_routes                     account_routes   owners, pipelines, record types, the account
    shapes           a record as a request wants to see it

What there is:

    portal           records, associations, people and pipelines together; a reset begins them again
    state            one running sandbox                 seed             a plausible portal of any size
    schema           what a record type looks like       object_types     the types that there are
    records          records as they are                 index            records as search sees them some seconds later
    associations     who is with whom, by which types    linking          associations made and undone
    writing          what a write does                   values           what a write may say
    validation       an admin's rules                    lifecycle        merged, restored, gone for good
    stamps           how the vendor writes time          news             what happens there, for those who listen
    push/            webhooks

What a person, an admin or bad luck does:

    controls         the controls of this CRM            control_route    one control, and what it says when it refuses
    rule_controls    limits and validation rules         admin_controls   options of properties, properties left out
    remote           a client for the controls

docs/sandbox.md says what is not imitated.
"""
