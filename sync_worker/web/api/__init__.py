"""The portal's API: what a partner portal asks and says over HTTP. Addresses lead to steps; nothing is decided here.

    under /portals/{portal}                                          step                                        file
    users, users/{id}, users/{id}/erase                              people: put, deactivate, erase              users
    companies, companies/{id}                                        –                                           companies
    companies/{id}/associated-partners, …/{other}, …/options         associate: whom, why, options               companies
    companies/{id}/subgroups, …/candidates, …/{other}/promote, …     subgroups: children, create, promote, …     distributors
    companies/{id}/terms/{upper}, /agreements/{upper}                agree: set_terms, put_on_file               distributors
    deals                                                            register: register, draft                   deals
    deals/{id}, deals/{id}/changes                                   decide: change; explain: explain            deals
    deals/{id}/reassign, /approvals, /submit, /withdraw, …           decide: reassign, decide; move: move        moves
    conflicts, …/{id}/resolve, failures, …/replay, feed/events, …    resolve, intervene                          operate

A request's way: `doors` (whose token, which person) → `once` (an idempotency key) → the step → `views` (what that person may see of it);
whatever is refused or goes wrong on it leaves through `route` as one of the `problems`.
"""
