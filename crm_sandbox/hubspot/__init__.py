"""An imitation of HubSpot's CRM API, numbered and dated, faithful to recorded answers and to the vendor's documents.

    paths                    every generation's addresses become one
    schema ── object_types   what records look like                   seed       a plausible portal of any size
    records ── index         records as they are, and as search sees them some seconds later
    associations             who is with whom, under which types
    portal                   records, associations, people and pipelines together      news    what happens there, for who listens
    values ── writing        what a write may say, and what it does   linking    associations made and undone
    lifecycle                merges, restores                         validation an admin's rules
    search                   filters become sorted ids                shapes     a record as a request wants to see it
    login/, limits ── door ── app      tokens, how many calls, who may enter, routes
    *_routes                 what clients ask for                     push/      webhooks
    controls                 what a person, an admin or bad luck does trouble    what is said by order of a fault

What is not imitated stands in docs/sandbox.md.
"""
