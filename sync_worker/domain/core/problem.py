"""What we tell an operator: problems, and one table that explains every code of the domain, the steps and the mapping.

A problem means: the record was applied, but something about it is wrong. A code never changes. Its words are for a person at night: what
it means, and what to do. Refusals, conflicts and exclusions use the same table, so that each code is explained in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync_worker.domain.core.values import Plain


@dataclass(frozen=True, slots=True)
class Problem:
    """The record was applied, and this is wrong with it.

    **Shapes** `field` is canonical; `value` as the CRM spells it; `waits_for`: the CRM id of a record that may heal it when it arrives.
    """

    code: str
    field: str
    message: str
    value: Plain = None
    waits_for: str | None = None


CODES: Final[Mapping[str, str]] = {
    # companies
    "name_blank": "The CRM record has no name, and a company needs one. Fill in the name in the CRM; the failure then closes by itself.",
    "status_unknown": "The portal status is a value that the mapping does not list. The last status stays (a new record stays out). "
    "Correct it in the CRM, or add the spelling to the mapping's values.",
    "account_type_blank": "The account type is not set. A new company counts as a partner, and a known one keeps its type. Set the type "
    "in the CRM.",
    "account_type_unknown": "The account type is a value that the mapping does not list, perhaps because somebody renamed a value of the "
    "picklist. The company keeps its type. Correct the value, or the portal's account_type_value.",
    "vendor_type_ignored": "The CRM gives the vendor's own company another account type. The company stays the vendor. Correct the CRM "
    "record.",
    "vendor_type_elsewhere": "A company that is not the portal's vendor_company carries the vendor's account type. It keeps its "
    "last type (a new one is a partner). Correct the record, or vendor_company in the portal file.",
    "rule_field_blank": "A field used for rules is blank, and a blank never matches. Fill it in the CRM.",
    "rule_field_unlisted": "A field used for rules holds a value that the mapping does not list. The last good value stays. Correct the "
    "CRM value, or add it to the mapping.",
    "text_repaired": "A text of the CRM record has characters that cannot be stored (a U+0000, half of a surrogate pair, or bytes that are "
    "not UTF-8). Here they became \ufffd. Write the text again in the CRM.",
    "value_unreadable": "The mapping could not read this value, so the last good one stays. Correct it in the CRM, or the mapping.",
    # our key on a record
    "foreign_key": "The field for the portal's key holds another system's key. The worker does not write over it; everything else works. "
    "If that system needs its key, move it to another field, or name another key field in the mapping. Then clear this field.",
    "key_taken": "The record carries the key of another record, like a copy that somebody made in the CRM. Two records cannot be one. "
    "Clear the key on the copy, and it is read as a separate record. If the other record is the copy, clear its key first.",
    "came_back": "The database had lost this deal. Its CRM record brought it back under its id, with its approvals. Owner, history, "
    "quotes and licences did not come back. Name its owner and send the quote again. This stays open until the vendor decides, or the "
    "deal is over.",
    "parent_taken_back": "The database had lost this subgroup, and the worker took its parent from its contract value. If that is right, "
    "set its terms again and discard this. If not, the parent disassociates it.",
    "parent_lost": "The database had lost this subgroup, and no single contract value names its parent. Ask a member of its parent to "
    "promote it again.",
    # contracts
    "contract_value_unresolved": "A value in the partner's second-partner field names a company that the portal does not know. Give that "
    "company a portal status, correct the value, or map it under associations.contract_values.",
    "contract_value_retired": "A value in the partner's second-partner field is an option that people can no longer choose. Activate the "
    "option again, or choose another one on these records.",
    "contract_value_ambiguous": "A value in the partner's second-partner field is the name of several second partners. "
    "Map it to one CRM id under associations.contract_values, or bind it by hand.",
    "contract_not_a_second_partner": "A value in the partner's second-partner field names a company that is not a second partner. "
    "Correct that company's account type, or the value.",
    "contract_value_renamed": "The company behind this value has another name now. Nothing was removed: the value stays bound. "
    "Rename the picklist value, or leave it.",
    "contract_lost_in_merge": "A company that lost a merge in the CRM had this contract value, and the surviving record does not have "
    "it: the contract has ended. If it should go on, add the value to the survivor. Any edit of its values closes this.",
    "second_partner_name_unfit": "A second partner's name has a semicolon, which separates the values of a multi-select, so a contract "
    "cannot name this company. Rename it in the CRM, or let the picklist hold its CRM id or a value that associations.contract_values "
    "maps to that id.",
    # rules
    "rule_name_unresolved": "A rule names a company that the portal does not know. Correct the name in the portal file, or give that "
    "company a portal status: the rule works as soon as the company arrives.",
    "rule_name_ambiguous": "A rule names a company, and several companies have that name. Write the CRM id in the portal file in place "
    "of the name.",
    "rule_name_wrong_side": "A rule names a company as a partner that is not a partner, or as a second partner that is not one. Correct "
    "the rule, or the company's account type.",
    "rule_keys_many": "A company holds very many values in the fields that a rule matches, so only the first combinations of them count. "
    "Clear some of the values, or match by fewer fields.",
    # why a pair may not work together
    "self": "A company cannot work with itself. Remove the value.",
    "vendor": "The vendor takes no part in associations. Remove the value.",
    "same_type": "Both companies have the same account type; a pair is one partner and one second partner. Correct one of the types.",
    "wrong_sides": "The contract value is on the second partner's record. Move it to the partner's record.",
    "company_inactive": "An inactive or deleted company takes no part. If it should take part, give it a portal status that the mapping "
    "reads as active.",
    "company_pending": "A pending company takes no part in new deals yet. When it is ready, give it a portal status that the mapping reads "
    "as active.",
    "company_unknown": "The company is not in this portal. Give it a portal status in the CRM, or correct the id.",
    "company_ambiguous": "Several companies of this portal have that name. Write the CRM id or our id of the one that is meant.",
    # fields that both sides hold
    "both_changed": "The CRM and the portal both changed this field. The field's rule decided, and both values are kept. With the rule "
    "`ask` the field waits for a person: `sync-worker conflicts resolve`.",
    "newest_unclear": "Both sides changed one field, and the clocks cannot tell which change was later. The CRM's value was taken. If the "
    "other one is right, change it again.",
    "put_back": "Somebody changed a field in the CRM that only the portal writes. The portal's value is written again. Tell that person to "
    "change it in the portal.",
    "conflict_unknown": "The portal has no conflict with this id, or several ids begin with it. List them with `sync-worker conflicts "
    "list`.",
    "conflict_resolved": "This conflict is already decided; the answer says when and how. Look at the deal as it is now.",
    "conflict_moved": "One of the two values has changed after you looked at the conflict. Look at the values now, and decide again.",
    "conflict_without_record": "The deal has no live record in the CRM, so there is nothing to choose between. Link it again first.",
    "locked_in_crm": "The CRM changed terms that are locked since finalize was requested. The change was applied, and the approvals start "
    "again. Check that both companies know. This stays open until the vendor decides, or the deal is over.",
    # deals: who and what
    "owner_unknown": "The owner company is not in this portal. Give it a portal status in the CRM, or correct the id.",
    "owner_is_vendor": "The vendor's own company owns no deals. Name the partner.",
    "owner_not_active": "Only an active company registers deals. Give it a portal status that the mapping reads as active, in the CRM.",
    "owner_by_vendor_only": "Only the vendor gives a deal to another company. Ask the vendor.",
    "not_a_party": "The actor's company is not the deal's owner company. Let a member of the owner company do it.",
    "two_tier_off": "This portal has no second partners. Remove the value, or set two_tier: true in the portal file.",
    "second_partner_unknown": "The second partner is not in this portal. Give it a portal status in the CRM, or correct the id.",
    "second_partner_is_owner": "The owner company and the second partner are one company. Clear the second partner.",
    "second_partner_single_tier": "A second partner registers for itself, without another second partner. Clear the field.",
    "second_partner_not_associated": "The second partner is not associated with the owner company. Choose an associated one, "
    "or add the contract on the partner's CRM record.",
    "second_partner_wrong_type": "The company named as second partner is not a second partner. Correct its account type, or the deal.",
    "second_partner_not_active": "The company named as second partner is not active. Set its portal status, or change the deal.",
    "field_repeated": "A parameter, or the file of a form, is in the request more than once. Send it once. For several values, send one "
    "request for each.",
    "field_unknown": "There is no field with this name here. Correct the name, or add the field under attributes in the mapping.",
    "field_not_registrable": "A partner may not set this field. Leave it out. Approvals and stages change in other ways.",
    "only_while_registering": "The worker writes this field to the CRM when the deal's record is made, and never again. Change it in the "
    "CRM, or let the mapping write it later with `write: always`.",
    "only_in_crm": "The portal reads this field and never writes it. Set it in the CRM, or give it `direction: both` in the mapping.",
    "no_place_in_crm": "The deal's record became another type in the CRM, and that type does not have this field. Leave it as it is, or "
    "name a field of that type in the mapping.",
    "edit_dropped": "The portal changed a field that is written to the CRM only once, and the CRM holds another value. The CRM's value "
    "was taken. If the other one is right, change it in the CRM.",
    "wrong_state": "This move is not possible in the deal's state. The answer says from which states it is. Look at the deal first.",
    "stale_version": "The deal changed after you looked at it. Look at it as it is now, and ask again if you still want the change.",
    "on_behalf_off": "A second partner registers for a partner only where the portal file says deals.on_behalf: true.",
    "user_unknown": "sync-worker does not know this user. The portal sends each user before the user acts: PUT /users/{id}.",
    "user_inactive": "The portal has deactivated this user, so the user sees nothing and can do nothing. Let another user do it.",
    "not_a_colleague": "A deal's owner is an active member of its owner company. Choose one.",
    "company_missing": "A user belongs to a company; only a vendor admin may be without one. Name the primary company.",
    "same_prospect": "Two companies registered the same prospect: the name is the same, or the contacts are at the same company. Nothing "
    "was merged. The vendor decides which registration counts, and rejects or withdraws the other.",
    "term_unknown": "A term has 1, 2 or 3 years. Choose one of them.",
    "billing_not_for_term": "One year is paid annually or monthly, two and three up front or annually. Choose a way that fits the term.",
    "name_missing": "A deal needs a name or a prospect. Fill one of them.",
    "terms_locked": "Finalize was requested, so deal type, licences, billing, companies and prospect are locked. Only the vendor may still "
    "change them, in the CRM.",
    "deal_closed": "The deal is over (completed, won, lost, withdrawn or expired). Reopen it in the CRM first.",
    "owner_company_missing": "The deal belongs to no company: its owner company was cleared in the CRM. It can be neither approved nor "
    "finalized until the vendor names a company, in the CRM or in the portal.",
    # deals: the two tracks
    "track_not_in_use": "The portal does not use this approval track, so there is nothing to decide. See deals.approvals in the portal "
    "file.",
    "track_not_required": "The deal has no second partner, so the distributor track needs no decision.",
    "decision_not_in_track": "This track does not know that decision. Choose one of those allowed.",
    "not_your_track": "Only the deal's second partner moves the distributor track, and only the vendor the vendor track.",
    "reason_missing": "This move needs a reason, for example a rejection, a return, or a decision in the place of another company. Give "
    "one.",
    "not_ready": "An approval is missing; the answer says whose. Ask that company to approve, then try again.",
    "nothing_to_renew": "The registration has no last day, so it does not end and cannot be renewed. The vendor may set a last day. "
    "`deals.registration_period` in the portal file gives one to every registration.",
    "last_day_missing": "The vendor sets a last day, and none was given. Name a date, today or later.",
    "last_day_over": "A last day is today or later, by the portal's own calendar. Choose a later day; to stop a deal at once, disable it.",
    "renewal_not_later": "A renewal names a last day after today and after the old one. Choose a later day.",
    "decided_for_good": "A decision may change until finalize is requested, and that has happened. "
    "What was set in the CRM is put back; disable or withdraw the deal if it should not go on.",
    "approved_other_terms": "The vendor approved in the CRM, but the terms there are not the portal's now. "
    "The portal's state is written back. This stays open until the vendor decides on the deal as it is.",
    "not_a_vendor_move": "That state of the vendor track comes from a renewal; people cannot set it by hand. The old state is written "
    "back. This stays open until the vendor decides, or the deal is over.",
    # groups of users
    "group_unknown": "The portal has no group with this key. Correct the key, or make the group with POST /groups.",
    "group_exists": "The portal has a group with this key. Change that one with PUT, or choose another key.",
    "groups_many": "The portal has as many groups as a portal can have. Delete one that is not used any more.",
    "group_empty": "No active user would be in the group. Check the conditions, and the preview of the group.",
    "group_of_everybody": "Everybody would be in the group, so it makes no difference. Check the conditions, and the preview of the group.",
    # subgroups, terms and agreements
    "not_a_member": "Only members of the company may do this. Let one of them do it, or ask them to add you.",
    "parent_not_a_second_partner": "Only a second partner has subgroups. Name one as the parent, or correct its account type.",
    "subgroup_name_missing": "A subgroup needs a name. Give one.",
    "subgroup_not_a_partner": "Only a partner company becomes a subgroup. Correct its account type, or choose another.",
    "company_exists": "A company of that name is in this portal already. Promote it, or choose another name.",
    "primary_member": "The subgroup is the user's primary company, which only the portal changes. First give the user another primary "
    "company: PUT /users/{id}.",
    "has_parent": "The company is a subgroup already, and has exactly one parent. That parent disassociates it first.",
    "not_a_subgroup": "The company is not a subgroup of this second partner, so it can be neither disassociated nor renamed.",
    "parent_kept": "A subgroup's deal keeps its distributor as second partner, because the distributor approves it and is billed. Only "
    "the vendor may remove it from a deal, in the portal and with a reason. The distributor may also disassociate the subgroup.",
    "parent_not_named": "A subgroup's deal does not name its distributor as second partner, so it cannot be finalized. Name the "
    "distributor (in the CRM, if the portal only reads the field), or ask the vendor to allow the deal without it, with a reason.",
    "parent_gone": "The deal was pending when its owner left the second partner's subgroups. It goes on as it is; withdraw it, "
    "or change the second partner, if it should not.",
    "no_terms_between": "Terms are between a partner and a second partner, or a second partner and the vendor. Name such a pair.",
    "deal_type_unknown": "The portal file does not list this deal type. Choose a listed one, or add it under deals.types.",
    "percent_malformed": "A percent is a number from 0 to 100 with at most two decimals. Correct it.",
    "terms_missing": "The second partner has not set the terms of its subgroup yet. It sets them, then the deal can be registered.",
    "may_not_register": "The terms of this company do not let it register deals. If it should, the company above it changes the terms.",
    "percent_missing": "The terms have no percent for this deal type. The company that sets the terms adds one, or the deal gets another "
    "type.",
    "agreement_missing": "No signed agreement of the subgroup is on file. A member of the second partner uploads it first.",
    "agreement_unknown": "The two companies have no agreement with this id. List their agreements.",
    "file_empty": "The file is empty. Choose another.",
    "file_too_large": "The file is too large, and nothing of it was kept. Scan it with less detail, or split it.",
    "file_type_unknown": "By its content the file is not of a type that is accepted. Nothing was kept. Export it as PDF.",
    "file_type_not_as_named": "The file's content does not fit its name. Nothing was kept. Give it the name of its real type.",
    # notes and files on a deal
    "note_unknown": "The deal has no note with this id: it was removed, erased with its author, or kept long enough. List the "
    "deal's notes.",
    "file_unknown": "The deal has no file with this id: it was removed, erased with the person who added it, or kept long enough. List the "
    "deal's files.",
    "note_not_yours": "A note is changed by its author alone, and removed by its author or by an admin of the vendor. Let one of them "
    "do it.",
    "file_not_yours": "A file on a deal is removed by the person who added it or by an admin of the vendor. Let one of them do it.",
    "notes_many": "The deal has as many notes as a deal can have. Remove one that is not needed any more, or add to a note of your own.",
    "files_many": "The deal has as many files as a deal can have. Remove one that is not needed any more.",
    # quotes and completion
    "quote_not_ready": "The deal cannot be quoted yet. The message lists all that is missing.",
    "pricing_not_for_deal": "The deal has no quote in this pricing. Choose one of those allowed.",
    "lines_malformed": "Each line of a quote needs a product and a count of 1 or more. Its unit price is not below 0. Correct the lines.",
    "lines_count_otherwise": "The lines add up to another number of licences than the deal has. Correct the lines or the deal.",
    "notifications_not_yours": "A user's notifications are for that user alone. Send that user's id in the header `Acting-User`.",
    "notification_unknown": "The user has no such notification: it was erased, kept long enough, or is about a deal that the user may not "
    "see any more. List the notifications again.",
    "quote_not_yours": "This person may not see or send this pricing. docs/distributors.md says who may. Let one of them do it.",
    "quote_unknown": "The deal has no such quote, or this person may not see it. List the deal's quotes.",
    "quote_outdated": "The deal's terms are no longer those the quote was made of. Make another quote, and send that one.",
    "quote_signed": "The deal's quote is signed, and the first signature counts. A further distributor-priced quote has no effect.",
    "quote_not_sent": "There is nothing to sign before the vendor has sent the distributor-priced quote of the deal as it is now.",
    "quote_not_latest": "Another quote was sent later, and only that one can be signed. Sign the one that the message names.",
    "not_licensed": "A deal is completed after its licences are issued. The worker issues them and completes the deal, within seconds of "
    "the signature. Wait for it.",
    "journey_held": "A journey would have written more mails within an hour than the portal allows, so its mails wait. Look at them with "
    "journeys log, then journeys release or journeys discard.",
    "mail_refused": "The mail server will not accept this mail, now or later; the message has its words. Correct the person's address in "
    "the portal; then replay the failure.",
    # deals: their record in the CRM
    "deal_unknown": "The portal has no deal with this id. List them with `sync-worker deals list`.",
    "waiting_for_parent": "The deal names a company that the portal does not know yet. Give that company a portal status in the CRM. When "
    "it arrives, the worker reads the deal again by itself.",
    "deleted_in_crm": "The deal's record is in the CRM's bin, or lost a merge; the deal stays in the portal. "
    "Undelete it, or withdraw the deal.",
    "gone_from_crm": "The CRM no longer shows this record: it was deleted for good, or sharing hides it from the worker's user. A "
    "company becomes inactive, a deal stays. Share the record again, and the next comparison closes this; or withdraw the deal.",
    "disconnected": "The lead was converted without an opportunity, so the deal has no live record. Link it again, or withdraw the deal.",
    "conversion_mapping_missing": "A conversion did not copy our fields; the worker carried them over. Map them from lead to opportunity "
    "in the CRM's set-up, then run `check`. If the worker cannot read that map, discard this afterwards.",
    "duplicate_in_crm": "The CRM's duplicate rule found a record that looks the same. The deal was saved all the same, because each "
    "registration has a record of its own. Look at both records.",
    "record_unknown": "The CRM shows no such record to the worker's user, or it is deleted. Correct the id, undelete or share it.",
    "record_taken": "That CRM record belongs to another deal, and one record has one deal. Choose another record, or withdraw one of the "
    "two deals.",
    "record_alive": "The deal's own record is alive in the CRM and carries its key. Delete it there, or merge the two; then link again.",
    # writes
    "company_not_in_crm": "The deal names a company that has no CRM record yet, so the deal cannot be written to the CRM. Enter the "
    "company there, then replay.",
    "no_room_in_crm": "The CRM has no room for new records: its storage is full, or a limit of records is reached. Make room there, or buy "
    "more. Nothing is lost: what is owed is tried again every five minutes, and changes of known records go on.",
    "crm_in_maintenance": "The CRM is in maintenance and takes no writes. Nothing is lost: what is owed is tried again every minute.",
    "gave_up": "The CRM refused this write ten times within 9 to 17 minutes. The message has the CRM's words. When the cause is gone, "
    "replay.",
    "late_write_undone": "The CRM committed an old write of the worker after its answer was lost, over a newer value; the newer one was "
    "written again. The message has both. Look whether it is right; then discard this.",
    "outcome_never_learned": "This write was sent ten times, no send was answered, and the CRM does not show what was sent. Perhaps the "
    "record itself ends the calls (a trigger that hangs). Look in the CRM and in the worker's log. When the cause is gone, replay.",
    # the feed to the portal
    "event_refused": "The portal's receiver did not take this event; the message has its answer. It is sent again by itself, later and "
    "later for five days, and the record's later events wait for it. Correct the receiver.",
    "event_given_up": "The portal's receiver refused this event for five days. It is not sent again by itself, and the record's later "
    "events went on. When the receiver is right again, replay the failure.",
    "receiver_down": "The portal's receiver does not answer, or says that it cannot. Everything owed waits and goes on by itself within "
    "ten minutes of its return; `sync-worker feed show` says how much waits.",
    "receiver_gone": "The portal's receiver said 410: this address has no receiver any more. Correct feed.url, then run `sync-worker "
    "feed resume`.",
    "events_lost": "Events were not delivered within feed.keep and are deleted. Let the portal read all companies and deals once, then "
    "discard this.",
    # the portal's API
    "token_missing": "The request carries no token. Send `Authorization: Bearer swk_…`.",
    "token_malformed": "This is not a token, or a character of it is wrong: its checksum does not fit. Copy it again.",
    "token_unknown": "The portal has no such token. Make one: `sync-worker tokens create`.",
    "token_revoked": "The token was revoked. Make another one: `sync-worker tokens create`.",
    "token_expired": "The token's time is over. Make another one: `sync-worker tokens create`.",
    "actor_missing": "Every deal is read and changed in the name of a user. Send the header `Acting-User` with the user's id.",
    "address_unknown": "There is nothing at this address, or not in this portal. See /docs.",
    "method_not_allowed": "The address does not take that method. See /docs.",
    "body_malformed": "The body is not JSON of the right shape. See /docs for what the address takes.",
    "body_too_large": "The body is too large. Send less in one request.",
    "field_missing": "A field that is needed is missing. Fill it in.",
    "place_gone": "Events as old as this place are no longer kept (feed.keep). Read everything once, then go on from the "
    "oldest place there is.",
    "cursor_malformed": "This is not a cursor of this list. Take `next` of the page before without a change, or begin without a cursor.",
    "if_match_missing": "A change must say which version of the deal it means. Send `If-Match` with the `ETag` of your last read.",
    "request_under_way": "The same request with this idempotency key is being worked on. Ask again in a moment.",
    "key_of_other_request": "This idempotency key was used for another request. Make a new key for each new request.",
    "text_too_long": "The text has more characters than the CRM's field, or than any text may have. Shorten it.",
    "replay_unknown": "The portal has no replay with this id. GET /replays lists them.",
    "failure_unknown": "The portal has no failure with this id. GET /failures lists them. A resolved one is deleted after some time.",
    "run_unknown": "The portal has no run with this id. GET /operate/runs lists them. Old ones are deleted after some time.",
    "inquiry_unknown": "The portal has no inquiry with this id. GET /operate/inquiries lists them. They are deleted after a week.",
    "token_id_unknown": "The portal has no API token with this id. GET /operate/tokens lists them.",
    "not_held": "The brake does not hold this, or not any more: somebody released it, or it passed by itself. Nothing was done.",
    "portal_paused": "A person has paused the portal, so the CRM is not asked. The message says who, when and why. Resume it first.",
    "code_unknown": "This is not one of our codes, and no failure has had it. Take the nearest one, which the message names.",
    "portal_disabled": "A file of the portal has a mistake, or a secret is not set, so nothing is done for this portal; the others work. "
    "`sync-worker portals list` names the mistake. Correct it, restart the processes, and send the same request again.",
    "scope_missing": "The token may not do this. Make one with the scope that the message names.",
    # what stops a portal's work: made of the names of errors
    "auth_failed": "The CRM refused the log-in, or refused the tokens that it gave for some 15 seconds. It is not repeated at "
    "once, so as not to lock the user out. Correct crm.auth or the variables it names; it is tried again after "
    "five minutes, and later up to an hour apart.",
    "connection_down": "The CRM lets this user do nothing at the moment; the message has its words. Correct it in the CRM; it is tried "
    "again after five minutes, and later up to an hour apart.",
    "schema_changed": "A field or record type is gone or hidden from the worker's user; the message names it. "
    "Only its record type rests, and its writes wait. Show it again, or correct the mapping; then "
    "`sync-worker check` lets it go on at once. It is tried again by itself too.",
    "attribute_rests": "The CRM no longer shows one attribute's field. Its last values stay and its edits wait; "
    "it is neither read nor written, and all else goes on. "
    "Show the field to the worker's user again, or take it out of the mapping. The worker looks every ten minutes.",
    "config_error": "A portal file does not fit what is set for the portal; the message has the place and the command. Correct it; "
    "the portal rests until then, and the others go on.",
    "rate_limited": "The CRM asks us to wait: mostly the org's calls of the day are used up. Nothing is lost; the portal goes on by "
    "itself. If this happens often, look which other programs use the calls, or pull less often (`schedule.pull`).",
    "transient_error": "The CRM or the way to it did not answer properly, several times. Nothing is lost; it is tried again by itself.",
    "call_refused": "The CRM accepts no writing call for now, with any record. Nothing is lost: pending writes stay due and are tried "
    "again by themselves.",
    "too_large": "The CRM gave up on the size of a query, even a small one. It is tried again by itself; "
    "if it stays, ask the CRM's admin for an index on SystemModstamp.",
    "held_for_review": "So much would change at once that a person should look first; the message says what. If it was a mistake, correct "
    "it in the CRM. If it was meant, `sync-worker failures release ID` applies it once; or raise `brake` in the portal file.",
    "bug": "A mistake of ours stopped this work; the log has the traceback. Report it. The work stays due.",
    # values
    "value_malformed": "The value does not fit the field. Write it as the message says.",
    "currency_unknown": "ISO 4217 has no currency of this code. Write three capital letters, as EUR or USD.",
    "no_price": "The price list has no price of this product in the deal's currency on the first day of the term; `allowed` has others. "
    "The vendor's admin adds a price: POST /prices, `sync-worker prices load`, or the file.",
    "price_listed": "The product is on the price list, so a quote may not set another price for it. Leave unit_price out, or change the "
    "list.",
    "price_malformed": "This is not a row of a price list. `field` says which, and what is wrong with it; no row was taken.",
    "unit_price_not_yours": "Only the vendor names a price, and only of a product that is not on the price list. Leave unit_price out.",
    "discount_not_yours": "The portal does not let this person give a discount beside the terms (`quotes: {discount: …}` in its file), "
    "and a company may not lower the price that it pays itself. Leave discount_percent out.",
    "prices_not_yours": "Only the vendor's admins keep the price list and see its history.",
    "managed_by_file": "A file in config/prices keeps this price list, or one in config/journeys this journey. Change the file, and "
    "restart all processes.",
    # journeys
    "journeys_not_yours": "Only the vendor's admins see and keep the journeys.",
    "journey_unknown": "The portal has no journey of this key. `GET /journeys` lists them.",
    "journey_exists": "The portal has a journey of this key already. Choose another key, or change that journey with a PUT.",
    "journey_malformed": "Something in the journey does not exist here or is not allowed: a field, an operator, a recipient, a tag, a "
    "text. `field` says where it stands, and `allowed` says what would be right. Nothing was saved.",
    "reach_unconfirmed": "The journey could reach so many users that somebody should look at the number first. If it is meant, send "
    "confirm_users with the number in `allowed`. If not, add a filter, or name fewer recipients.",
    "nothing_held": "No mail of this journey waits for a person. There is nothing to release or to discard.",
    "pricing_not_in_column": "A quote of this pricing does not go to that side. The distributor column has distributor and retail "
    "pricing, the deal column reseller and retail pricing.",
    "amount_misfit": "The amount has more decimals than its currency: JPY has none, EUR has two, KWD has three. Write it with fewer.",
    "value_not_listed": "The value is not in the field's list. In the portal: choose one of those allowed. On a record of the CRM: "
    "an admin has deleted the value from the list. It is read as it stands; choose another one there, or add it to the list again.",
    "unlisted_value": "The CRM holds a value that the mapping does not list. The field keeps its last value; everything else was "
    "applied. Correct the value in the CRM, or add it to the mapping; the problem then closes by itself.",
    "not_text": "The field holds something that is not text. Correct it in the CRM, or choose another transform in the mapping.",
    "not_a_reference": "The field holds something that is not a record id. Map a lookup field, or correct the transform.",
    "not_a_number": "The field holds something that is not a number. Correct it in the CRM, or choose another transform in the mapping.",
    "not_an_integer": "The field holds a number that is not whole. Correct it in the CRM, or use the transform decimal.",
    "not_a_boolean": "The field holds neither true nor false. Correct it in the CRM, or choose another transform in the mapping.",
    "not_a_date": "The field holds a value that is not a day of the calendar. Correct it in the CRM, or use datetime_to_date if it holds "
    "a time.",
    "not_a_set": "The field holds a value that is not a list. Map a multi-select field, or correct the transform.",
}
"""code → what it means, and what to do."""
