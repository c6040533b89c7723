"""PURE: values in, values out. No clock, no I/O, no logging, no SQL, no vendor. Here are the rules of two-tier distribution, and only they.

A folder imports only folders above it in this list:

    core/          values, companies, people, deals; how two sides of a record are merged
    people/        what each person may see
    associations/  which companies may work on a deal together, and why
    tell/          which change makes which event and which mail
    distributors/  subgroups, terms, uploads
    deals/         a deal's way: the table of moves, approvals, quotes, completion
    sync/          what a CRM record means for ours, and what a write does when it fails
    operate/       status, plans, recovery, erasure

The words of the product (docs/domain.md has the same glossary; a test keeps the two equal):

    vendor                 The company that makes the product and runs the portal. It sells through partners.
    partner                A company that registers deals and sells to customers.
    second partner         The company that stands beside the partner on a deal: a distributor, an agent, a TSB or a master VAR. Each
                           portal chooses its label. The label changes no behavior.
    portal status          Active, inactive or pending. The vendor sets it in the CRM. A record that we do not know and that has no
                           status is not ours.
    contract value         One value of the partner's multi-select field. It names a second partner.
    binding                The company that a contract value stands for.
    association            Two companies may work on a deal together, for a reason that is kept.
    exclusion              Two companies may not work on a deal together, for a reason that is kept.
    mode                   Where the associations of a portal come from: contracts or rules. It is set once.
    condition              A field, an operator and values: `tier is one of Gold, Platinum`. All conditions of a list hold together. A
                           blank field meets only `is_blank`.
    group                  A key, a name and conditions. Its members are the active users of the companies that meet the conditions.
    rule                   Conditions on company fields. Companies that meet them together are associated.
    membership             The part that one company has in a rule. Pairs of companies follow from memberships.
    evaluation             Applying the rules to every company. Its result counts from the commit in which it is stored.
    unset, cleared, value  The three states of a field: no key, `None`, anything else. Unset keeps what we know. Cleared is passed on.
                           When two sides are compared, both count as empty.
    base                   The pair (portal value, CRM spelling) on which both sides last agreed. Each field has its own. It shows
                           which side has changed since.
    owed                   The portal's value differs from the base. The next push writes it to the CRM.
    outbox                 The table of writes that the CRM still has to get. A row is added in the same commit as the change that
                           needs it.
    claim                  A worker reserves a write for itself for 30 seconds before it sends it, so that no other worker sends it
                           too.
    lease                  One worker reserves the reading of one record type, so that there is one reader at a time.
    notice                 A note that a record has changed in the CRM. It comes from a webhook, for example. The worker then reads
                           that record.
    track                  One of the two approvals of a deal: the second partner's and the vendor's.
    terms                  The fields that people approve: deal type, licence count, billing cycle, owner company and prospect.
    move                   Something that a person, or the CRM, does with a deal. Each move is one row of the table of moves.
    event                  One change that the portal is told of.
    problem                The record was applied, but something about it is wrong.
    refusal                The answer "no". It says why, and who may do it.
    conflict               Both sides have changed one field. Both values are kept.
    brake                  It holds back a change that takes away too much at once, until a person has looked.
    breaker                It lets the records of one cause rest after that cause has failed many times in a row.
"""
