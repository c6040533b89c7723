"""What we have to say to an operator: problems, and one table that explains every code that the domain, a step or the mapping can utter.

A problem is "applied, but something is wrong with it". A code is stable and greppable; its words are for a person at night: what it
means, what to do. Refusals, conflicts and exclusions use the same table, so that a code needs explaining in one place only.
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
    "name_blank": "The CRM record has no name, and a company needs one. Fill the name in the CRM; the failure heals by itself.",
    "status_unknown": "The portal status is a value that the mapping does not list. The last status stays (a new record stays out). "
    "Correct it in the CRM, or add the spelling to the mapping's values.",
    "account_type_blank": "The account type is not set. A new company counts as a partner, a known one keeps its type. Set it in the CRM.",
    "account_type_unknown": "The account type is a value the mapping does not list, perhaps a relabelled picklist. "
    "The type we know stays. Correct the value, or the portal's account_type_value.",
    "vendor_type_ignored": "The CRM gives the vendor's own company another account type. It stays the vendor; correct the CRM record.",
    "vendor_type_elsewhere": "A company that is not the portal's vendor_company carries the vendor's account type. It keeps its "
    "last type (a new one is a partner). Correct the record, or vendor_company in the portal file.",
    "rule_field_blank": "A field used for rules is blank, and a blank never matches. Fill it in the CRM.",
    "rule_field_unlisted": "A field used for rules holds a value the mapping does not list. The last good value stays. "
    "Correct the CRM value, or add it to the mapping.",
    "text_repaired": "A text of the CRM record has characters that cannot be stored (a U+0000, half a pair, or bytes that are not UTF-8): "
    "they became \ufffd here. Write the text again in the CRM.",
    "value_unreadable": "The mapping could not read this value, so the last good one stays. Correct it in the CRM, or the mapping.",
    # our key on a record
    "foreign_key": "The field for the portal's key holds another system's. Nothing is written over it, and all else works. "
    "If the other system needs it, keep it in another field there, or name another key field in the mapping; then clear this one: the "
    "worker writes its own.",
    "key_taken": "The record carries the key of another record, as a copy made in the CRM does; two records cannot be one. "
    "Clear the key on the copy, and it is read as a record of its own. Where the other one is the copy, clear it there first.",
    "came_back": "The database had lost this deal; its record in the CRM brought it back under its id, with its approvals. Owner, history, "
    "quotes and licences did not come back. Name its owner, send the quote again. It stays open until the vendor decides, or the deal "
    "is over.",
    "parent_taken_back": "The database had lost this subgroup, and its parent was taken from its contract value. "
    "If that is right, set its terms again and discard this; if not, the parent lets it go.",
    "parent_lost": "The database had lost this subgroup, and no single contract value says whose it was. "
    "Have a member of its parent promote it again.",
    # contracts
    "contract_value_unresolved": "A value in the partner's second-partner field names no company we know. Give that company "
    "a portal status, correct the value, or map it under associations.contract_values.",
    "contract_value_retired": "A value in the partner's second-partner field is no option that people can choose any more. "
    "Activate the option again, or choose another one on these records.",
    "contract_value_ambiguous": "A value in the partner's second-partner field is the name of several second partners. "
    "Map it to one CRM id under associations.contract_values, or bind it by hand.",
    "contract_not_a_second_partner": "A value in the partner's second-partner field names a company that is not a second partner. "
    "Correct that company's account type, or the value.",
    "contract_value_renamed": "The company behind this value has another name now. Nothing was removed: the value stays bound. "
    "Rename the picklist value, or leave it.",
    "contract_lost_in_merge": "A company that lost a merge in the CRM had this contract value, and the survivor's record has it not: "
    "the contract has ended. If it should go on, add the value to the survivor; any edit of its values closes this.",
    "second_partner_name_unfit": "A second partner's name has a semicolon, which parts the values of a multi-select, so that no contract "
    "can name it. Rename it in the CRM; or let the picklist hold its CRM id, or another value mapped to that id under "
    "associations.contract_values.",
    # rules
    "rule_name_unresolved": "A rule names a company that the portal does not know. Correct the name in the portal file, or give that "
    "company a portal status; the rule holds for it as soon as it arrives.",
    "rule_name_ambiguous": "A rule names a company, and several are called so. Write the CRM id in the portal file instead of the name.",
    "rule_name_wrong_side": "A rule names a company as a partner that is none, or as a second partner. Correct the rule, "
    "or the company's account type.",
    "rule_keys_many": "A company holds so many values in several fields that a rule matches that only the first combinations of them "
    "count. Clear some of the values, or match by fewer fields.",
    # why a pair may not work together
    "self": "A company cannot work with itself. Remove the value.",
    "vendor": "The vendor takes no part in associations. Remove the value.",
    "same_type": "Both companies have the same account type; a pair is one partner and one second partner. Correct one of the types.",
    "wrong_sides": "The contract stands on the second partner's record; it belongs on the partner's.",
    "company_inactive": "An inactive or deleted company takes no part. If it should, give it a portal status that the mapping reads "
    "as active.",
    "company_pending": "A pending company takes no part in new deals yet. Give it one that the mapping reads as active when it is ready.",
    "company_unknown": "The company is not in this portal. Give it a portal status in the CRM, or correct the id.",
    "company_ambiguous": "Several companies of this portal have that name. Write the CRM id or our id of the one that is meant.",
    # fields that both sides hold
    "both_changed": "The CRM and the portal changed one field; the field's rule decided, both values are kept here. "
    "With the rule `ask` it waits: resolve it with crm or portal.",
    "newest_unclear": "Both sides changed one field and the clocks cannot tell who was later. The CRM's value was taken.",
    "put_back": "Somebody changed a field in the CRM that only the portal writes. The portal's value is written again; "
    "tell them where to change it.",
    "conflict_unknown": "The portal has no conflict of that id, or several begin so. List them with `sync-worker conflicts list`.",
    "conflict_resolved": "Nothing is left to decide here; the answer says when and how it ended. Look at the deal as it is now.",
    "conflict_moved": "One of the two values changed since the conflict was looked at. Look at what stands there now, and decide again.",
    "conflict_without_record": "The deal has no live record in the CRM, so there is nothing to choose between. Link it again first.",
    "locked_in_crm": "The CRM changed terms that are locked since finalize was requested. Applied, and approvals start again. "
    "Check that both companies know. It stays open until the vendor decides, or the deal is over.",
    # deals: who and what
    "owner_unknown": "The owner company is not in this portal. Give it a portal status in the CRM, or correct the id.",
    "owner_is_vendor": "The vendor's own company owns no deals. Name the partner.",
    "owner_not_active": "Only an active company registers deals. Give it a portal status that the mapping reads as active, in the CRM.",
    "owner_by_vendor_only": "Only the vendor gives a deal to another company.",
    "not_a_party": "The actor's company is not the deal's owner company. Let a member of the owner company do it.",
    "two_tier_off": "This portal has no second partners. Remove the value, or set two_tier: true in the portal file.",
    "second_partner_unknown": "The second partner is not in this portal. Give it a portal status in the CRM, or correct the id.",
    "second_partner_is_owner": "The owner company and the second partner are one company. Clear the second partner.",
    "second_partner_single_tier": "A second partner registers for itself, without another second partner. Clear the field.",
    "second_partner_not_associated": "The second partner is not associated with the owner company. Choose an associated one, "
    "or add the contract on the partner's CRM record.",
    "second_partner_wrong_type": "The company named as second partner is none. Correct its account type, or the deal.",
    "second_partner_not_active": "The company named as second partner is not active. Set its portal status, or change the deal.",
    "field_repeated": "A parameter of the address is given more than once, and it counts once. Ask once for each value.",
    "field_unknown": "No such deal field. Correct the name, or add it under attributes in the mapping.",
    "field_not_registrable": "This field is not the partner's to set. Leave it out; approvals and stages have their own ways.",
    "only_while_registering": "The CRM is told of this field when the deal's record is made, and never again. Change it in the CRM; "
    "or let the mapping write it later, with `write: always`.",
    "only_in_crm": "The portal reads this field and never writes it. Set it in the CRM; or give it `direction: both` in the mapping.",
    "no_place_in_crm": "The deal's record became another type in the CRM, which has no field for this. Leave it as it is; "
    "or name a field of that type in the mapping.",
    "edit_dropped": "The portal changed a field that the CRM is told of only once, and the CRM holds another value. "
    "The CRM's was taken. Change it in the CRM if the other one is right.",
    "wrong_state": "The deal is not where this move begins; the answer says from which states it does. Look at the deal first.",
    "stale_version": "The deal changed since it was looked at. Look at it as it is now, and ask again if it is still meant.",
    "on_behalf_off": "A second partner registers for a partner only where the portal file says deals.on_behalf: true.",
    "user_unknown": "The portal has not told of this user. It tells of its users before they act.",
    "user_inactive": "The portal has deactivated this user, who sees and does nothing any more. Let somebody else do it.",
    "not_a_colleague": "A deal's owner is an active member of its owner company. Choose one.",
    "company_missing": "A user belongs to a company; only a vendor admin may do without. Name the primary company.",
    "same_prospect": "Two companies registered one prospect: the same name, or contacts of one company. Nothing was merged; "
    "the vendor decides whose it is, and rejects or withdraws the other.",
    "term_unknown": "A term has 1, 2 or 3 years. Choose one of them.",
    "billing_not_for_term": "One year is paid annually or monthly, two and three up front or annually. Choose a way that fits the term.",
    "name_missing": "A deal needs a name or a prospect. Fill one of them.",
    "terms_locked": "Finalize was requested: deal type, licences, billing, companies and prospect are locked.",
    "deal_closed": "The deal is over (completed, won, lost, withdrawn or expired). Reopen it in the CRM first.",
    "owner_company_missing": "The deal belongs to no company: its owner company was cleared in the CRM. It is neither approved nor "
    "finalized before the vendor names one, in the CRM or in the portal.",
    # deals: the two tracks
    "track_not_in_use": "The portal does not use this approval track. Nothing to decide; see deals.approvals in the portal file.",
    "track_not_required": "The deal has no second partner, so nobody decides the distributor track.",
    "decision_not_in_track": "This track does not know that decision. Choose one of those allowed.",
    "not_your_track": "Only the deal's second partner moves the distributor track, and only the vendor the vendor track.",
    "reason_missing": "A rejection or a return says why. Give a reason.",
    "not_ready": "Somebody's word is missing; the answer says whose. Ask them to approve, then try again.",
    "nothing_to_renew": "The registration has no last day, so it runs anyway. Nothing to renew. "
    "The vendor may set a last day, and `deals.registration_period` of the portal file gives one to every registration.",
    "last_day_missing": "The vendor sets a last day, and none was given. Name a date, today or later.",
    "last_day_over": "A last day is today or later, by the portal's own calendar. Choose a later day; to stop a deal at once, disable it.",
    "renewal_not_later": "A renewal names a last day after today and after the old one. Choose a later day.",
    "decided_for_good": "A decision may change until finalize is requested, and that has happened. "
    "What was set in the CRM is put back; disable or withdraw the deal if it should not go on.",
    "approved_other_terms": "The vendor approved in the CRM, but the terms there are not the portal's now. "
    "The portal's state is written back. It stays open until the vendor decides on the deal as it is.",
    "not_a_vendor_move": "That state of the vendor track follows from a renewal; nobody sets it by hand. The old state is written back. "
    "It stays open until the vendor decides, or the deal is over.",
    # subgroups, terms and agreements
    "not_a_member": "Only members of the company do this. Let one of them do it, or have them add you.",
    "parent_not_a_second_partner": "Only a second partner has subgroups. Name one as the parent, or correct its account type.",
    "subgroup_name_missing": "A subgroup needs a name. Give one.",
    "subgroup_not_a_partner": "Only a partner company becomes a subgroup. Correct its account type, or choose another.",
    "company_exists": "A company of that name is in this portal already. Promote it, or choose another name.",
    "primary_member": "The subgroup is the user's primary company, which only the portal changes. Tell of the user with another one.",
    "has_parent": "The company is a subgroup already, and has exactly one parent. That parent disassociates it first.",
    "not_a_subgroup": "The company is no subgroup of this second partner, so there is nothing to disassociate.",
    "parent_kept": "A subgroup's deal keeps its distributor as second partner, who approves it and is billed. Only the vendor lets a "
    "deal go without, in the portal and with a reason; or the distributor lets the subgroup go.",
    "parent_not_named": "A subgroup's deal does not name its distributor as second partner, so it is not finalized. Name it, in the CRM "
    "where the portal only reads the field; or the vendor lets the deal go without, with a reason.",
    "parent_gone": "The deal was pending when its owner left the second partner's subgroups. It goes on as it is; withdraw it, "
    "or change the second partner, if it should not.",
    "no_terms_between": "Terms are between a partner and a second partner, or a second partner and the vendor. Name such a pair.",
    "deal_type_unknown": "The portal file does not list this deal type. Choose a listed one, or add it under deals.types.",
    "percent_malformed": "A percent is a number from 0 to 100 with at most two decimals. Correct it.",
    "terms_missing": "The second partner has not set the terms of its subgroup yet. It sets them, then the deal can be registered.",
    "may_not_register": "By its terms this company registers no deals. The company above it changes the terms, if it should.",
    "percent_missing": "The terms have no percent for this deal type. Whoever sets the terms adds one, or the deal takes another type.",
    "agreement_missing": "No signed agreement of the subgroup is on file. A member of the second partner uploads it first.",
    "agreement_unknown": "The two companies have no agreement of that id. List their agreements.",
    "file_empty": "The file holds nothing. Choose another.",
    "file_too_large": "The file is larger than is taken; nothing of it was kept. Scan it coarser, or split it.",
    "file_type_unknown": "By its content the file is of none of the types taken; nothing was kept. Export it as PDF.",
    "file_type_not_as_named": "The file's content is not what its name says; nothing was kept. Give it the name its type has.",
    # quotes and completion
    "quote_not_ready": "The deal cannot be quoted yet. The message lists all that is missing.",
    "pricing_not_for_deal": "The deal has no quote in this pricing. Choose one of those allowed.",
    "lines_malformed": "Each line of a quote needs a name, a count from 1 and a unit price from 0. Correct the lines.",
    "lines_count_otherwise": "The lines count other licences than the deal. Correct whichever is wrong.",
    "quote_not_yours": "Who sees and sends which pricing is in docs/distributors.md. Let one of those named do it.",
    "quote_unknown": "The deal has no such quote, or this person may not see it. List the deal's quotes.",
    "quote_outdated": "The deal's terms are no longer those the quote was made of. Make another quote, and send that one.",
    "quote_signed": "The deal's quote is signed, and the first signature counts. Another distributor-priced quote would mean nothing.",
    "quote_not_sent": "There is nothing to sign before the vendor has sent the distributor-priced quote of the deal as it is now.",
    "quote_not_latest": "Another quote was sent since; that one is signed. Sign the one that the message names.",
    "not_licensed": "The deal ends once its licences are issued; the worker does both by itself, within seconds of the signature.",
    "mail_refused": "The mail server will never take this letter; the message has its words. Correct the person's address in the portal.",
    # deals: their record in the CRM
    "deal_unknown": "The portal has no deal of that id. List them with `sync-worker deals list`.",
    "waiting_for_parent": "The deal names a company that the portal does not know yet. Give it a portal status in the CRM; "
    "the deal is read again by itself when it arrives.",
    "deleted_in_crm": "The deal's record is in the CRM's bin, or lost a merge; the deal stays in the portal. "
    "Undelete it, or withdraw the deal.",
    "gone_from_crm": "The CRM shows this record no more: it was deleted for good, or sharing hides it from the worker's user. "
    "A company is inactive, a deal stays. Share it again and the next comparison heals it; or withdraw the deal.",
    "disconnected": "The lead was converted without an opportunity, so the deal has no live record. Link it again, or withdraw the deal.",
    "conversion_mapping_missing": "A conversion did not copy our fields; the worker carried them over. Map them from lead to opportunity "
    "in the CRM's set-up, then run `check`. Discard this where the mapping cannot be read.",
    "duplicate_in_crm": "The CRM's duplicate rule found a record that looks the same. It was saved all the same, "
    "because a registration is always its own record. Look at both.",
    "record_unknown": "The CRM shows no such record to the worker's user, or it is deleted. Correct the id, undelete or share it.",
    "record_taken": "That CRM record is the home of another deal. One record, one deal: choose another, or withdraw one of the two.",
    "record_alive": "The deal's own record is alive in the CRM and carries its key. Delete it there, or merge the two; then link again.",
    # writes
    "company_not_in_crm": "The deal names a company that has no CRM record yet, so the CRM cannot be told. "
    "Enter the company there, then replay.",
    "no_room_in_crm": "The CRM has no room for new records: its storage is full, or a limit of records is reached. Make room there, or buy "
    "more. Nothing is lost: what is owed is tried again every five minutes, and changes of known records go on.",
    "crm_in_maintenance": "The CRM is in maintenance and takes no writes. Nothing is lost: what is owed is tried again every minute.",
    "gave_up": "The CRM refused this write ten times within 9 to 17 minutes. See the message; when the cause is gone, replay.",
    "late_write_undone": "The CRM committed an old write of the worker after its answer was lost, over a newer value; the newer one was "
    "written again. The message has both. Look whether it is right; then discard this.",
    "outcome_never_learned": "This write was sent ten times, no send was answered, and the CRM does not show what was sent. Perhaps the "
    "record itself ends the calls (a trigger that hangs). Look in the CRM and in the worker's log; when the cause is gone, replay.",
    # the feed to the portal
    "event_refused": "The portal's receiver did not take this event; the message has its answer. It is sent again by itself, later and "
    "later for five days, and the record's later events wait for it. Correct the receiver.",
    "event_given_up": "The portal's receiver refused this event for five days. It is not sent again by itself, and the record's later "
    "events went on. When the receiver is right again, replay the failure.",
    "receiver_down": "The portal's receiver does not answer, or says that it cannot. Everything owed waits and goes on by itself within "
    "ten minutes of its return; `sync-worker feed show` tells how much that is.",
    "receiver_gone": "The portal's receiver said 410: nobody listens there any more. Correct feed.url, then `sync-worker feed resume`.",
    "events_lost": "Events were not delivered within feed.keep and are gone. Have the portal read all companies and deals once, "
    "then discard this.",
    # the portal's API
    "token_missing": "The request carries no token. Send `Authorization: Bearer swk_…`.",
    "token_malformed": "This is no token, or it was mistyped: its checksum is wrong. Copy it anew.",
    "token_unknown": "The portal has no such token. Make one: `sync-worker tokens create`.",
    "token_revoked": "The token was revoked. Make another one: `sync-worker tokens create`.",
    "token_expired": "The token's time is over. Make another one: `sync-worker tokens create`.",
    "actor_missing": "Every deal is looked at and changed in somebody's name. Send the header `Acting-User` with the user's id.",
    "address_unknown": "There is nothing at this address, or not in this portal. See /docs.",
    "method_not_allowed": "The address does not take that method. See /docs.",
    "body_malformed": "The body is no JSON of the right shape. See /docs for what the address takes.",
    "body_too_large": "The body is larger than is read. Send less at once.",
    "field_missing": "A field that is needed is not there. Fill it.",
    "place_gone": "Events as old as this place are no longer kept (feed.keep). Read everything once, then go on from the "
    "oldest place there is.",
    "cursor_malformed": "This is not a cursor of this list. Take `next` of the page before, as it is; or begin without one.",
    "if_match_missing": "A change says which version of the deal it means. Send `If-Match` with the ETag of the last look.",
    "request_under_way": "The same request with this idempotency key is being worked on. Ask again in a moment.",
    "key_of_other_request": "This idempotency key was used for another request. Make a new key for each wish.",
    "text_too_long": "The text has more characters than the CRM's field, or than any text may have. Shorten it.",
    "replay_unknown": "There is no such replay. GET /replays lists them.",
    "code_unknown": "No failure ever had this code, and none of ours is called so. Take the nearest one, which the message names.",
    "portal_disabled": "A file of the portal has a mistake, or a secret is not set, so nothing is done for this portal; the others work. "
    "`sync-worker portals list` names the mistake. Correct it, restart the processes, and send the same request again.",
    "scope_missing": "The token may not do this. Make one with the scope that the message names.",
    # what stops a portal's work: made of the names of errors
    "auth_failed": "The CRM refused the log-in, or refused the tokens that it gave for some 15 seconds. It is not repeated at "
    "once, so as not to lock the user out. Correct crm.auth or the variables it names; it is tried again after "
    "five minutes, and later up to an hour apart.",
    "connection_down": "The CRM lets this user do nothing as things are; the message has its words. Correct it in the CRM; "
    "it is tried again after five minutes, and later up to an hour apart.",
    "schema_changed": "A field or a record type is gone or hidden from the worker's user; the message names it. "
    "Show it again, or correct the mapping; it is tried again after "
    "five minutes, and later up to an hour apart.",
    "attribute_rests": "The CRM does not show one attribute's field any more. Its last values stay, it is neither read nor written, and "
    "all else goes on. Show the field to the worker's user again, or take it out of the mapping; the worker looks every ten minutes.",
    "config_error": "A portal file does not fit what the portal lives by; the message has the place and the command. Correct it; "
    "the portal rests until then, and the others go on.",
    "rate_limited": "The CRM asks us to wait: mostly the org's calls of the day are used up. Nothing is lost; "
    "the portal goes on by itself. If it comes often, see who else uses them, or pull less often.",
    "transient_error": "The CRM or the way to it did not answer properly, several times. Nothing is lost; it is tried again by itself.",
    "call_refused": "The CRM takes no call that writes for now, whatever records stand in it. Nothing is lost; what is owed stays due, "
    "and is tried again by itself.",
    "too_large": "The CRM gave up on the size of a query, even a small one. It is tried again by itself; "
    "if it stays, ask the CRM's admin for an index on SystemModstamp.",
    "held_for_review": "So much would change at once that a person should look first; the message says what. If it is meant, "
    "`sync-worker failures release ID` does it once; or raise `brake` in the portal file.",
    "bug": "A mistake of ours stopped this work; the log has the traceback. Report it; what it was about stays due.",
    # values
    "value_malformed": "The value cannot be read as what the field holds. Write it as the message says.",
    "currency_unknown": "ISO 4217 has no currency of this code. Write three capital letters, as EUR or USD.",
    "no_price": "The price list has no price of this product in the deal's currency on the first day of the term; `allowed` has others. "
    "The vendor's admin adds a price: POST /prices, `sync-worker prices load`, or the file.",
    "price_listed": "The product is on the price list, so nobody names its price in a quote. Leave unit_price out, or change the list.",
    "price_malformed": "This is not a row of a price list. `field` says which, and what is wrong with it; no row was taken.",
    "unit_price_not_yours": "Only the vendor names a price, and only of a product that is not on the price list. Leave unit_price out.",
    "discount_not_yours": "The portal does not let this person give a discount beside the terms (`quotes: {discount: …}` in its file); "
    "and nobody makes cheaper what the own company pays. Leave discount_percent out.",
    "prices_not_yours": "Only the vendor's admins keep the price list and see its history.",
    "managed_by_file": "A file in config/prices keeps this portal's price list. Change the file, and restart the worker.",
    "pricing_not_in_column": "A quote of this pricing does not go to that side. The distributor column has distributor and retail "
    "pricing, the deal column reseller and retail pricing.",
    "amount_misfit": "The amount has more decimals than its currency: JPY has none, EUR has two, KWD has three. Write it with fewer.",
    "value_not_listed": "The value is not in the field's list. In the portal: choose one of those allowed. On a record of the CRM: "
    "an admin has deleted the value from the list. It is read as it stands; choose another one there, or add it to the list again.",
    "unlisted_value": "The CRM holds a value that the mapping does not list. The field keeps what it had; everything else was applied. "
    "Correct the value in the CRM, or add it to the mapping; the problem heals by itself.",
    "not_text": "The field holds something that is not text. Correct it in the CRM, or choose another transform in the mapping.",
    "not_a_reference": "The field holds something that is not a record id. Map a lookup field, or correct the transform.",
    "not_a_number": "The field holds something that is not a number. Correct it in the CRM, or choose another transform in the mapping.",
    "not_an_integer": "The field holds a number that is not whole. Correct it in the CRM, or use the transform decimal.",
    "not_a_boolean": "The field holds neither true nor false. Correct it in the CRM, or choose another transform in the mapping.",
    "not_a_date": "The field holds no day of the calendar. Correct it in the CRM, or use datetime_to_date where it holds a moment.",
    "not_a_set": "The field holds no list of values. Map a multi-select field, or correct the transform.",
}
"""code → what it means, and what to do."""
