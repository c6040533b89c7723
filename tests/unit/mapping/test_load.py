"""Mapping files and overrides: every mistake at once, with its place, the bad value, what is allowed and the nearest word."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_worker.config.api_names import name_fault
from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.config.source import parse_source
from sync_worker.errors import ConfigError
from sync_worker.mapping.catalog import Catalog, CatalogField
from sync_worker.mapping.compile import compile_mapping
from sync_worker.mapping.examples import default_dialect, run_examples
from sync_worker.mapping.load import LoadedMapping, load_for_portal, load_mapping, loaded

MAPPINGS = Path(__file__).parents[3] / "mappings"
SHIPPED = {crm: (MAPPINGS / f"{crm}.yaml").read_text() for crm in ("salesforce", "hubspot")}
FRAME = """\
version: 1
crm: salesforce
records:
  company: {native: Account, key: Key__c}
  lead: {native: Lead, key: Key__c, converts_to: opportunity}
  opportunity: {native: Opportunity, key: Key__c}
company:
  name: {native: Name}
  portal_status: {native: Status__c, values: {Active: active}}
"""
PORTAL = """\
portal: acme
crm:
  kind: salesforce
  mapping: salesforce.yaml
  auth: {flow: client_credentials, domain: acme.my, client_id: "${ID}", client_secret: "${SECRET}"}
"""


def load(text: str) -> LoadedMapping:
    return loaded(parse_source(text, file="m.yaml"), "m.yaml")


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [str(mistake) for mistake in caught.value.mistakes]


def portal(tmp_path: Path, extra: str = "") -> Portal:
    path = tmp_path / "acme.yaml"
    path.write_text(PORTAL + extra)
    return load_portal(path, {"ID": "i", "SECRET": "s"})


@pytest.mark.parametrize("crm", SHIPPED)
def test_the_shipped_files_load_and_their_examples_pass(crm: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{crm}.yaml")
    assert mapping.grammar.crm == crm
    assert len(mapping.grammar.examples) >= 4
    assert run_examples(mapping) == []


@pytest.mark.parametrize(
    "name", ["Name", "Portal_Status__c", "ns__Field__c", "my_ns__A1__pc", "Location__Latitude__s", "BillingCountryCode"]
)
def test_names_that_salesforce_gives_are_api_names(name: str) -> None:
    assert name_fault("salesforce", name) is None


@pytest.mark.parametrize("name", ["name", "portal_status", "hs_object_id", "2-1234567", "p123_thing", "hs_v2_date_entered_33-x"])
def test_names_that_hubspot_gives_are_internal_names(name: str) -> None:
    assert name_fault("hubspot", name) is None
    assert name_fault("hubspot", f"{name} X") is not None


def test_a_key_and_a_constant_must_be_api_names_too() -> None:
    text = FRAME.replace("Lead, key: Key__c,", "Lead, key: Deal Key, on_create: {Lead Source: Portal},")
    assert [line.split(" — ")[0] for line in mistakes_of(text)] == [
        "m.yaml:5:29: records.lead.key: 'Deal Key' is not an API name",
        "m.yaml:5:51: records.lead.on_create.Lead Source: 'Lead Source' is not an API name",
    ]


def test_the_frame_of_these_tests_is_right_itself() -> None:
    assert load(FRAME).grammar.records.company is not None


# ── one mistake each ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("  acount_type: {native: T}", "m.yaml:10:3: company.acount_type: unknown key 'acount_type' — did you mean 'account_type'?"),
        ("  account_type: {nativ: T}", "m.yaml:10:18: company.account_type.nativ: unknown key 'nativ' — did you mean 'native'?"),
        ("  account_type:", "m.yaml:10:3: company.account_type: has no value — give a field at least `native:`"),
        ("  account_type: T", "company.account_type: must be a mapping (`key: value`), not 'T'"),
        (
            "  account_type: {native: T, values: {P: partnr}}",
            "'partnr' is not a value of account_type — did you mean 'partner'? allowed: vendor, p",
        ),
        ("  account_type: {native: T, values: {$partnr: partner}}", "$partnr is not a placeholder — did you mean '$partner'?"),
        ("  account_type: {native: T, values: {$partner 1: partner}}", "'$partner 1' holds a placeholder among other text"),
        ("  account_type: {native: T, values: [$partner]}", "$partner cannot stand in a list — write a map: {$partner: …}"),
        ("  account_type: {native: T, values: {A: partner, ' A': vendor}}", "'A' stands twice"),
        ("  account_type: {native: T, values: from_cmr}", "must be a mapping, a list or from_crm, not 'from_cmr' — did you mean"),
        ("  account_type: {native: T, values: {}}", "must be a mapping, a list or from_crm, not a mapping"),
        ("  account_type: {native: T, values: [vendor, vendor]}", "'vendor' stands twice"),
        ("  account_type: {native: T, direction: psh}", "'psh' is not allowed — did you mean 'push'? allowed: pull, push, both"),
        ("  account_type: {native: T, write: never}", "allowed: always, create, update, once"),
        ("  account_type: {native: T, conflict: new}", "did you mean 'newest'? allowed: crm, portal, newest, ask"),
        ("  account_type: {native: T, optional: yes}", "company.account_type.optional: must be true or false, not 'yes'"),
        ("  account_type: {native: {}}", "must be a native name or a mapping {record: name}"),
        ("  account_type: {native: {lead: T}}", "no company record is named 'lead' — allowed: company"),
        ("  account_type: {native: T, default: ''}", "must be text, not ''"),
        ("  account_type: {native: T, transform: multi_select}", "account_type holds text, and multi_select gives a set — transform: none"),
        ("  second_partners: {native: T}", "second_partners holds a set, and plain text gives text — transform: multi_select"),
        ("  second_partners: {native: T, transform: multiselect}", "'multiselect' is not a transform — did you mean 'multi_select'?"),
        ("  second_partners: {native: T, transform: multi_select, default: a}", "a set has no default"),
        ("  account_owner_email: {}", "has neither native nor association — give exactly one"),
        ("  account_owner_email: {native: A, association: B}", "has both native and association"),
        ("  account_owner_email: {association: B}", "an association holds a company — transform: company_ref"),
        ("  account_owner_email: {native: Key__c, direction: push}", "Key__c is the key of company; only the worker writes it"),
        ("  attributes: {name: {native: X}}", "'name' is a field of every company, not an attribute — move it to company.name"),
        ("  attributes: {a.b: {native: X}}", "'a.b' is not an attribute name"),
        ("  attributes: {tier: {native: X, rule_field: true}}", "a field that rules use needs a list of values"),
        ("  attributes: {x: {native: X, transform: decimal(2), values: [1]}}", "decimal(2) has no list of values"),
        (
            "  attributes: {x: {native: X, transform: decimal(9)}}",
            "'decimal(9)' is out of range — decimal(n) takes n from 0 to 6",
        ),
        ("  attributes: {x: {native: X, transform: integer, values: {One: one}}}", "'one' is 'one', not a number"),
        ("  attributes: {x: {native: X, transform: integer, default: 1.5}}", "'1.5' is '1.5', not a whole number"),
        ("  attributes: {x: {native: X, values: [a], create_default: b}}", "'b' is not among the values"),
        ("  attributes: {x: {native: X, values: [a], default: b, direction: both}}", "'b' is not among the values"),
        ("  attributes: {x: {native: X, values: [abc], default: abd}}", "x.default: 'abd' is not among the values — did you mean 'abc'?"),
        ("deal: {outcome: {native: X, values: {A: won}, default: open, direction: both}}", "'open' has no native value to be written as"),
        ("  attributes: {x: {native: [A]}}", "a list stands where a name or a map belongs"),
        ("  attributes: [{x: {native: A}}]", "company.attributes: a list stands where a map belongs — write `key: value` lines"),
        ("deal: [amount]", "m.yaml:10:7: deal: a list stands where a map belongs"),
        ("examples: {record: lead}", "examples: a map stands where a list belongs — write [a, b], or lines that begin with a hyphen"),
        (
            "  attributes: {x: {native: Portal Status}}",
            "native: 'Portal Status' is not an API name — letters, digits",
        ),
        ("  attributes: {x: {native: Owner.Email}}", "'Owner.Email' is not an API name — a field of another record cannot be read"),
        ("  attributes: {x: {native: Status__C}}", "a custom field ends in two underscores and a small c: Status__c"),
        ("  attributes: {x: {native: Portal_Status_c}}", "ends in two underscores and a small c: Portal_Status__c"),
        ("  attributes: {x: {native: Owner__r}}", "'Owner__r' names a relationship — the field is Owner__c"),
        ("  attributes: {x: {native: 1st__c}}", "'1st__c' is not an API name"),
        ("  attributes: {x: {native: X, default: $partner}}", "$partner stands for a native value, not for one of ours"),
        (
            "deal: {outcome: {native: X, values: {A: wonn}}}",
            "'wonn' is not a value of outcome — did you mean 'won'? allowed: open, won, lost",
        ),
        (
            "deal: {outcome: {native: X, values: {A: won}, default: opn}}",
            "m.yaml:10:56: deal.outcome.default: 'opn' is not a value of outcome",
        ),
        ("deal: {amount: {native: {leed: X}, transform: decimal(2)}}", "no deal record is named 'leed' — did you mean 'lead'?"),
        ("deal: {stage: {native: X, rule_field: true, values: [a]}}", "rules look at companies only"),
        ("deal: {expires_on: {native: X}}", "expires_on holds a day, and plain text gives text — transform: date or datetime_to_date"),
        ("deal: {name: {native: N, direction: both}, stage: {native: {lead: N}, direction: push}}", "name already writes N on lead"),
        ("wire: {boolean: yes}", "wire.boolean: 'yes' is not allowed — allowed: json, text"),
        ("wire: {null: nil}", "must be null or \"\", not 'nil'"),
        ("exmples: []", "unknown key 'exmples' — did you mean 'examples'?"),
        ("examples: [{record: leed, portal: {}, native: {}}]", "examples[0].record: 'leed' is not allowed — did you mean 'lead'?"),
        ("examples: [{record: deal, portal: {}, native: {}}]", "this file has no record 'deal'"),
        ("examples: [{record: lead, portal: {}}]", "says nothing to compare — add native (a read) or create (a write)"),
        ("examples: [{record: lead, native: {}}]", "'portal' is missing"),
    ],
)
def test_each_mistake_says_where_what_and_what_would_be_right(extra: str, expected: str) -> None:
    found = mistakes_of(FRAME + extra + "\n")
    assert any(expected in line for line in found), found
    assert len(found) <= 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1", "version: 2", "m.yaml:1:10: version: '2' is not allowed — allowed: 1"),
        ("crm: salesforce", "crm: sugar", "crm: 'sugar' is not allowed — allowed: salesforce, hubspot"),
        ("  name: {native: Name}\n", "", "company: 'name' is missing — add name: {native: …}"),
        ("  company: {native: Account, key: Key__c}\n", "", "records: 'company' is missing"),
        ("native: Account, ", "", "records.company: 'native' is missing"),
        ("converts_to: opportunity", "converts_to: lead", "'lead' is not another deal record of this file"),
        ("key: Key__c}", "key: Key__c, on_create: {A: $vndor}}", "$vndor is not a placeholder — did you mean '$vendor'?"),
        ("lead: {", "leads: {", "records.leads: unknown key 'leads' — did you mean 'lead'?"),
    ],
)
def test_mistakes_in_the_frame(old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in mistakes_of(FRAME.replace(old, new, 1)))


def test_all_mistakes_come_at_once_in_the_files_order() -> None:
    # Given mistakes of shape, of names and of sense in one file
    text = FRAME + (
        "  acount_type: {native: T}\n"
        "  second_partners: {native: A}\n"
        "deal:\n"
        "  amount: {native: X, transform: money}\n"
        "  stage: {native: Y, association: x}\n"
        "  outcome: {native: S, values: {A: wonn}}\n"
    )
    # When it is loaded, then each is there, from top to bottom
    assert [line.split(":")[3].strip() for line in mistakes_of("# head\n" + text.replace("version: 1", "version: 3"))] == [
        "version",
        "company.acount_type",
        "company.second_partners",
        "deal.amount.transform",
        "deal.stage",
        "deal.stage.association",
        "deal.outcome.values.A",
    ]


# ── overrides ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_override_replaces_one_node_and_leaves_the_rest(tmp_path: Path) -> None:
    # Given a portal whose org spells one field otherwise, has one more, and lacks one
    acme = portal(
        tmp_path,
        "two_tier: true\n"
        "second_partner: {account_type_value: TSB, display_label: TSB}\n"
        "overrides:\n"
        "  company.second_partners.native: Associated_TSB__c\n"
        "  company.attributes.segment: {native: Segment__c, values: [SMB, Enterprise]}\n"
        "  deal.expires_on: null\n",
    )
    # When its mapping is compiled
    records = compile_mapping(load_for_portal(acme, MAPPINGS), acme, None).records
    # Then only that changed
    assert records["company"].fields["second_partners"].native == "Associated_TSB__c"
    assert records["company"].fields["second_partners"].is_set
    assert records["company"].fields["segment"].allowed == ("SMB", "Enterprise")
    assert "expires_on" not in records["lead"].fields
    assert records["lead"].fields["name"].native == "Portal_Deal_Name__c"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("company.name.direction: bth", "acme.yaml:7:27: company.name.direction: 'bth' is not allowed — did you mean 'both'?"),
        ("company.nme.native: X", "acme.yaml:7:3: company.nme: unknown key 'nme' — did you mean 'name'?"),
        ("company.name: {nativ: X}", "acme.yaml:7:18: company.name.nativ: unknown key 'nativ'"),
        ("deal.outcome.values: {Won: wonn}", "acme.yaml:7:30: deal.outcome.values.Won: 'wonn' is not a value of outcome"),
        ("compny.name.native: X", "overrides.compny.name.native: 'compny.name.native' is not a path into the mapping"),
        ("examples: []", "is not a path into the mapping — begin with records, company, deal, wire"),
        ("company.name.native.lead: X", "company.name.native is 'Name', not a mapping — override company.name.native as a whole"),
        ("deal.expirs_on: null", "there is nothing here to remove — did you mean 'expires_on'?"),
    ],
)
def test_a_mistake_in_an_override_points_into_the_portal_file(tmp_path: Path, override: str, expected: str) -> None:
    acme = portal(tmp_path, f"overrides:\n  {override}\n")
    with pytest.raises(ConfigError) as caught:
        load_for_portal(acme, MAPPINGS)
    assert any(expected in str(mistake) for mistake in caught.value.mistakes), str(caught.value)
    assert all(mistake.place.file == acme.source.file for mistake in caught.value.mistakes)


# ── a portal and its mapping together ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("associations: {mode: rules, rules: [{name: a, match: [contry]}]}", "no field 'contry' — did you mean 'country'?"),
        ("associations: {mode: rules, rules: [{name: a, partner: {portal_status: [active]}}]}", "rules may not use 'portal_status'"),
        ("associations: {mode: rules, rules: [{name: a, partner: {tier: [Gld]}}]}", "'Gld' is not a value of tier — did you mean 'Gold'?"),
        ("associations: {mode: rules, rules: [{name: a, second_partner: {name: [A]}, match: [name]}]}", "so their names never match"),
        ("associations: {mode: rules, rules: [{name: a, match: [region, second_partners]}]}", "use a field under attributes: name, region"),
        ("overrides: {records.lead: null}", "the mapping has no record 'lead'"),
    ],
)
def test_what_each_file_says_rightly_but_not_together(tmp_path: Path, extra: str, expected: str) -> None:
    acme = portal(tmp_path, extra + "\n")
    with pytest.raises(ConfigError) as caught:
        load_for_portal(acme, MAPPINGS)
    assert any(expected in str(mistake) for mistake in caught.value.mistakes), str(caught.value)


def test_a_mistake_in_a_rule_is_told_with_its_place(tmp_path: Path) -> None:
    acme = portal(tmp_path, "associations:\n  mode: rules\n  rules:\n    - name: a\n      partner: {region: [EMEA, Emea]}\n")
    with pytest.raises(
        ConfigError, match=r"acme\.yaml:\d+:32: associations\.rules\[0\]\.partner\.region\[1\]: 'Emea' is not a value of region"
    ):
        load_for_portal(acme, MAPPINGS)


@pytest.mark.parametrize(("listed", "is_right"), [("true, false", True), ("'yes'", False)])
def test_a_checkbox_in_a_rule_is_true_or_false(tmp_path: Path, listed: str, is_right: bool) -> None:
    flag = "overrides: {company.attributes.strategic: {native: Strategic__c, transform: boolean, rule_field: true}}\n"
    rule = f"associations: {{mode: rules, rules: [{{name: a, partner: {{strategic: [{listed}]}}}}]}}\n"
    acme = portal(tmp_path, flag + rule)
    if is_right:
        assert load_for_portal(acme, MAPPINGS).grammar.crm == "salesforce"
    else:
        with pytest.raises(ConfigError, match="'yes' is not a value of strategic"):
            load_for_portal(acme, MAPPINGS)


def test_rules_may_use_rule_fields_and_the_company_itself(tmp_path: Path) -> None:
    acme = portal(tmp_path, "associations: {mode: rules, rules: [{name: a, partner: {name: [Arrow], country: [XX]}, match: [region]}]}\n")
    assert load_for_portal(acme, MAPPINGS).grammar.crm == "salesforce"


def test_a_mapping_of_another_crm_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(PORTAL.replace("salesforce.yaml", "hubspot.yaml"))
    with pytest.raises(ConfigError, match=r"acme\.yaml:4:12: crm\.mapping: hubspot\.yaml speaks hubspot"):
        load_for_portal(load_portal(path, {"ID": "i", "SECRET": "s"}), MAPPINGS)


def test_a_mapping_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(PORTAL.replace("salesforce.yaml", "saleforce.yaml"))
    with pytest.raises(ConfigError, match=r"does not exist — did you mean 'salesforce\.yaml'\?"):
        load_for_portal(load_portal(path, {"ID": "i", "SECRET": "s"}), MAPPINGS)


def test_two_spellings_of_one_account_type_value_are_refused(tmp_path: Path) -> None:
    acme = portal(tmp_path, "partner: {account_type_value: Reseller}\noverrides: {company.account_type.values.Reseller: partner}\n")
    with pytest.raises(ConfigError, match=r"\$partner is 'Reseller' in this portal, which the list already has"):
        load_for_portal(acme, MAPPINGS)


def test_a_period_needs_a_last_day_that_is_written(tmp_path: Path) -> None:
    period = "deals: {registration_period: {default: 90d}}\n"
    assert load_for_portal(portal(tmp_path, period), MAPPINGS).grammar.crm == "salesforce"
    only_read = portal(tmp_path, f"{period}overrides: {{deal.expires_on.direction: pull}}\n")
    with pytest.raises(ConfigError, match=r"acme\.yaml:6:9: deals\.registration_period: the mapping only reads expires_on"):
        load_for_portal(only_read, MAPPINGS)


# ── examples ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ("{record: company, native: {Name: A}, portal: {name: B}}", "m.yaml:10:64: examples[0].portal.name: expected 'B', got 'A'"),
        ("{record: company, native: {Name: A}, portal: {nme: A}}", "company has no field 'nme' — did you mean 'name'?"),
        ("{record: company, native: {}, portal: {name: A}}", "expected 'A', got nothing — the native record has no Name"),
        ("{record: company, native: {Status__c: X}, portal: {portal_status: active}}", "Status__c is 'X', which is not in the list"),
        ("{record: company, portal: {name: A}, create: {Name: A}}", "expected 'A', but the create does not send it"),
        ("{record: company, overrides: {company.name.nativ: X}, native: {}, portal: {}}", "unknown key 'nativ'"),
        (
            "{record: company, overrides: {company.name.direction: both}, portal: {name: A}, create: {Name: B}}",
            "m.yaml:10:107: examples[0].create.Name: expected 'B', got 'A'",
        ),
    ],
)
def test_an_example_that_fails_says_what_came_instead(example: str, expected: str) -> None:
    found = [str(mistake) for mistake in run_examples(load(FRAME + f"examples: [{example}]\n"))]
    assert len(found) == 1
    assert expected in found[0]


def test_examples_mean_json_values_where_the_crm_takes_those() -> None:
    fields = "  attributes: {x: {native: X, transform: decimal(2), direction: both}, y: {native: Y, transform: boolean, direction: both}}\n"
    right = "examples: [{record: company, portal: {x: 1.5, y: true}, create: {X: 1.50, Y: true}}]\n"
    assert run_examples(load(FRAME + fields + right)) == []
    assert len(run_examples(load(FRAME + fields + right.replace("1.50", "1.51").replace("Y: true", "Y: false")))) == 2


# ── any text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

PIECES = ["", ":", "[]", "{}", "null", "x", " ", "\n", "true", "- a", "*", "''"]
PIECES += ["$partner", "both", "native", "1", "{a: b}", ", z: w", "values: []"]


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_mutated_mapping_is_loaded_or_refused_never_more(data: st.DataObject) -> None:
    # Given a shipped file with a piece of it replaced by something else
    text = SHIPPED[data.draw(st.sampled_from(sorted(SHIPPED)))]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:]
    # When it is linted, compiled and its examples run
    with contextlib.suppress(ConfigError):
        mapping = load(text)
        compile_mapping(mapping, default_dialect(mapping.grammar), None)
        run_examples(mapping)
    # Then it either works or is refused


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_override_is_taken_or_refused_never_more(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    steps = ["company", "deal", "records", "wire", "attributes", "name", "native", "values", "lead", "x", "outcome", "examples"]
    path = ".".join(data.draw(st.lists(st.sampled_from(steps), min_size=1, max_size=4)))
    value = data.draw(st.sampled_from(["null", "x", "{}", "[]", "{native: X}", "{a: b}", "[a]", "true"]))
    acme = portal(tmp_path_factory.getbasetemp(), f"overrides: {{{path}: {value}}}\n")
    with contextlib.suppress(ConfigError):
        compile_mapping(load_for_portal(acme, MAPPINGS), acme, None)


def test_a_single_tier_portal_has_no_field_that_speaks_of_second_partners(tmp_path: Path) -> None:
    # Given a portal without two_tier, and the shipped mapping
    single = portal(tmp_path, "two_tier: false\n")

    # When the mapping is loaded for it
    compiled = compile_mapping(load_for_portal(single, MAPPINGS), single)

    # Then nothing of second partners is read, written or asked for
    named = {name for record in compiled.records.values() for name in record.fields}
    asked = {native for record in compiled.records.values() for native in record.native_fields}
    assert not named & {"second_partner", "second_partners", "distributor_approval"}
    assert not {native for native in asked if "Second_Partner" in native or "Distributor" in native}


@pytest.mark.parametrize(("mode", "is_needed"), [("contracts", True), ("rules\n  rules: [{name: all, match: [region]}]", False)])
def test_only_contracts_need_the_field_of_contracts(tmp_path: Path, mode: str, is_needed: bool) -> None:
    # Given a portal of either mode, and a CRM without the multi-select of second partners
    extra = (
        f"two_tier: true\nsecond_partner: {{account_type_value: Distributor, display_label: Distributor}}\nassociations:\n  mode: {mode}\n"
    )
    acme = portal(tmp_path, extra)
    mapping = load_for_portal(acme, MAPPINGS)
    whole = compile_mapping(mapping, acme).records["company"]
    catalog = Catalog("Account", {name: CatalogField(name, "text") for name in whole.native_fields if "Second_Partner" not in name})

    # When the mapping is held against it
    company = compile_mapping(mapping, acme, {"Account": catalog}).records["company"]

    # Then it is missing in contracts mode, and left out by rules
    assert [one.field for one in company.missing] == (["second_partners"] if is_needed else [])
    assert ("second_partners" in company.fields) is is_needed


def test_an_override_that_makes_a_new_attribute_is_noted_with_the_one_that_may_be_meant(tmp_path: Path) -> None:
    # Given two new attributes, one of which looks like one that is there, and one that is there
    overrides = "{company.attributes.regoin: {native: Region__c}, company.attributes.segment: {native: Seg__c}, "
    overrides += "company.attributes.tier: {native: Tier__c}, company.attributes.segment.direction: pull}"
    mapping = load_for_portal(portal(tmp_path, f"overrides: {overrides}\n"), MAPPINGS)

    # Then the new ones are noted, at their place in the portal file
    said = [str(note).removeprefix(f"{tmp_path}/") for note in mapping.notes]
    assert said == [
        "acme.yaml:6:13: overrides.company.attributes.regoin: makes a new attribute of the company, 'regoin' — did you mean 'region'?",
        "acme.yaml:6:61: overrides.company.attributes.segment: makes a new attribute of the company, 'segment' — it is not in the mapping",
    ]


def test_an_override_inside_an_attribute_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_for_portal(portal(tmp_path, "overrides: {company.attributes.regoin.native: Region__c}\n"), MAPPINGS)
    assert "the mapping has no attribute 'regoin' — did you mean 'region'? a new attribute is written whole" in str(caught.value)
