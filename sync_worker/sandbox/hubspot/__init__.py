"""An imitation of HubSpot's CRM API, numbered and dated, faithful to recorded answers and to the vendor's documents.

    paths                    every generation's addresses become one
    schema ── object_types   what records look like                   seed      a plausible portal of any size
    records ── index         records as they are, and as search sees them some seconds later
    portal                   records, people and pipelines together; listeners hear of every save
    values ── writing        what a write may say, and what it does   search    filters become sorted ids
    login/, limits ── door ── app      tokens, how many calls, who may enter, routes
    validation               an admin's rules                         trouble   what is said by order of a fault
    push/                    webhooks
    *_routes                 what clients ask for
    controls                 what a person, an admin or bad luck does

What is not imitated stands in docs/sandbox.md.
"""
