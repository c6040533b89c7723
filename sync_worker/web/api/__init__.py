"""The portal's API: what a partner portal asks over HTTP. An address calls a step; nothing is decided here.

A folder imports only folders above it in this list. Addresses stand under /portals/{portal}:

    core/          what every address needs: tokens, pages, problems, shapes
    people/        /users
    associations/  /companies, …/associated-partners, …/options
    tell/          /users/{id}/notifications; the events of the feed, as the OpenAPI document shows them
    distributors/  /companies/{id}/subgroups, …/terms, …/agreements
    deals/         /portals/{portal} itself, /fields; /deals, …/changes, …/approvals, …/notes, …/files, …/quotes, …/licences; /prices
    operate/       /conflicts, /failures, /replays, /feed/events, /operate/status
    mount.py       adds all of them to the application

A request's way: `authentication` (whose token, which person) → `once` (an idempotency key) → the step → `views` (what that person may see).
A refusal or an error on the way leaves through `route` as one of the `problems`.
"""
