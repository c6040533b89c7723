"""Portal files: what they give, and what each mistake says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_worker.config.portal import Portal, RegistrationPeriod
from sync_worker.config.portal_file import Unfit, load_portal, load_portals
from sync_worker.errors import ConfigError, Mistake

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
ENVIRON = {"ACME_SF_ID": "client-1", "ACME_SF_SECRET": "s3cret-9", "ACME_SF_HOOK": "hook-7", "ACME_HS_TOKEN": "pat-5"}
MINIMAL = """\
portal: acme
crm:
  kind: salesforce
  mapping: salesforce.yaml
  auth: {flow: client_credentials, domain: acme.my, client_id: "${ACME_SF_ID}", client_secret: "${ACME_SF_SECRET}"}
"""
HUBSPOT = """\
portal: acme
crm: {kind: hubspot, mapping: hubspot.yaml, auth: {flow: static_token, token: "${ACME_HS_TOKEN}"}}
"""


def load(tmp_path: Path, text: str) -> Portal:
    path = tmp_path / "acme.yaml"
    path.write_text(text)
    return load_portal(path, ENVIRON)


def mistakes_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return shown(caught.value.mistakes, tmp_path)


def shown(mistakes: Iterable[Mistake], tmp_path: Path) -> list[str]:
    return [str(mistake).removeprefix(f"{tmp_path}/") for mistake in mistakes]


# ── what a file gives ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_registration_runs_for_as_long_as_the_file_says(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL).deals.registration_period == RegistrationPeriod()
    written = f"{MINIMAL}deals: {{registration_period: {{default: 90d, types: {{renewal: 30d}}}}}}\n"
    assert load(tmp_path, written).deals.registration_period == RegistrationPeriod.model_validate(
        {"default": "90d", "types": {"renewal": "30d"}}
    )


def test_deal_types_are_the_portals_own_list(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL).deals.types == ()
    assert load(tmp_path, f"{MINIMAL}deals: {{types: [new, renewal]}}\n").deals.types == ("new", "renewal")


def test_the_contracts_example_loads_whole() -> None:
    # Given the example that the docs tell people to copy
    portal = load_portal(EXAMPLES / "contracts.yaml", ENVIRON, is_example=True)
    # Then every setting is there in our units
    assert (portal.name, portal.crm.kind, portal.crm.mapping, portal.time_zone) == (
        "acme",
        "salesforce",
        "salesforce.yaml",
        "Europe/Berlin",
    )
    assert (portal.schedule.pull_s, portal.schedule.look_back_s, portal.schedule.full_compare) == (300, 900, time(2, 0))
    assert portal.brake_percent == 15
    assert portal.account_type_values == {"vendor": "Vendor", "partner": "Partner", "second_partner": "Distributor"}
    assert portal.associations.contract_values == {"Arrow Inc": "0015g00000AAAAAAA5"}
    assert portal.overrides == {"company.second_partners.native": "Associated_TSB__c"}
    assert portal.source.place(("overrides", "company.second_partners.native")).line > 1
    assert portal.crm.api_budget.daily == 50000
    assert portal.deals.run_assignment_rules_on_create is True
    assert portal.deals.from_crm is False


def test_the_rules_example_loads_whole() -> None:
    portal = load_portal(EXAMPLES / "rules.yaml", ENVIRON, is_example=True)
    gold, country = portal.associations.rules
    assert gold.partner == {"region": ("EMEA",), "tier": ("Gold", "Platinum")}
    assert gold.second_partner == {"region": ("EMEA",)}
    assert country.match == ("country",)


def test_a_minimal_file_gets_every_default(tmp_path: Path) -> None:
    portal = load(tmp_path, MINIMAL)
    assert (portal.schedule.pull_s, portal.schedule.look_back_s, portal.schedule.full_compare) == (300, 900, None)
    assert (portal.brake_percent, portal.time_zone, portal.two_tier) == (15, "UTC", False)
    assert (portal.deals.record, portal.deals.approvals, portal.associations.mode) == ("lead", ("vendor",), "contracts")
    assert portal.account_type_values == {}


@pytest.mark.parametrize(("written", "meant"), [("", 100_000), ("bulk_above: 25000", 25_000), ("bulk_above: null", None)])
def test_how_much_is_read_in_bulk(tmp_path: Path, written: str, meant: int | None) -> None:
    assert load(tmp_path, MINIMAL.replace("auth:", f"{written}\n  auth:")).crm.bulk_above == meant


@pytest.mark.parametrize(("written", "meant"), [("", None), ("parallel_calls: 1", 1), ("parallel_calls: null", None)])
def test_how_many_calls_may_be_in_flight(tmp_path: Path, written: str, meant: int | None) -> None:
    assert load(tmp_path, MINIMAL.replace("auth:", f"{written}\n  auth:")).crm.parallel_calls == meant


def test_two_tier_brings_the_distributors_track(tmp_path: Path) -> None:
    text = MINIMAL + "two_tier: true\nsecond_partner: {account_type_value: Agent, display_label: Agents}\n"
    portal = load(tmp_path, text)
    assert portal.deals.approvals == ("distributor", "vendor")
    assert portal.account_type_values == {"second_partner": "Agent"}


def test_a_portal_without_two_tier_has_no_second_partner_at_all(tmp_path: Path) -> None:
    portal = load(tmp_path, MINIMAL + "second_partner: {account_type_value: Agent, display_label: Agents}\n")
    assert "second_partner" not in portal.account_type_values


def test_a_hubspot_portal_loads(tmp_path: Path) -> None:
    portal = load(tmp_path, HUBSPOT)
    assert portal.deals.record == "deal"
    assert portal.crm.auth.token is not None
    assert portal.crm.auth.token.get_secret_value() == "pat-5"


def test_a_hubspot_portal_may_log_in_by_refresh_token(tmp_path: Path) -> None:
    flow = 'flow: refresh_token, client_id: app, client_secret: "${ACME_SF_SECRET}", refresh_token: "${ACME_HS_TOKEN}"'
    portal = load(tmp_path, HUBSPOT.replace('flow: static_token, token: "${ACME_HS_TOKEN}"', flow))
    assert portal.crm.auth.refresh_token is not None
    [mistake] = mistakes_of(tmp_path, HUBSPOT.replace("static_token, token", "jwt_bearer, token"))
    assert "'jwt_bearer' is not a flow of hubspot — allowed: static_token, refresh_token" in mistake


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081", "http://localhost:9", "http://[::1]:80/", "https://acme.my.salesforce.com"])
def test_plain_http_is_for_loopback_and_https_for_all(tmp_path: Path, url: str) -> None:
    portal = load(tmp_path, MINIMAL.replace("auth:", f"base_url: {url!r}\n  auth:"))
    assert portal.crm.base_url == url.rstrip("/")


def test_a_base_url_says_where_so_no_domain_is_needed(tmp_path: Path) -> None:
    text = MINIMAL.replace(" domain: acme.my,", "").replace("auth:", "base_url: http://127.0.0.1:1\n  auth:")
    assert load(tmp_path, text).crm.auth.domain is None


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_secrets_come_from_the_environment_and_are_never_printed(tmp_path: Path) -> None:
    portal = load(tmp_path, MINIMAL + 'time_zone: "UTC"\n')
    assert portal.crm.auth.client_id == "client-1"
    assert portal.crm.auth.client_secret is not None
    assert portal.crm.auth.client_secret.get_secret_value() == "s3cret-9"
    for said in (repr(portal), str(portal), portal.model_dump_json(), repr(portal.source)):
        assert "s3cret-9" not in said


def test_a_secret_in_the_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, MINIMAL.replace("${ACME_SF_SECRET}", "hunter2"))
    remedy = "write ${NAME} and put the secret into that environment variable"
    assert found == [f"acme.yaml:5:96: crm.auth.client_secret: a secret must not stand in the file — {remedy}"]


def test_a_variable_that_is_not_set_is_no_mistake_of_the_file_and_is_known_with_its_place(tmp_path: Path) -> None:
    found = shown(load(tmp_path, MINIMAL.replace("${ACME_SF_ID}", "${NOPE}")).unset, tmp_path)
    assert found == ["acme.yaml:5:64: crm.auth.client_id: the environment variable NOPE is not set — export NOPE=…"]


def test_a_value_from_the_environment_is_not_quoted_in_a_mistake(tmp_path: Path) -> None:
    text = MINIMAL.replace("auth:", 'base_url: "${ACME_SF_HOOK}"\n  auth:')
    assert all("hook-7" not in line for line in mistakes_of(tmp_path, text))


# ── mistakes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("two_teir: true", "acme.yaml:6:1: two_teir: unknown key 'two_teir' — did you mean 'two_tier'?"),
        ("two_tier: yes", "acme.yaml:6:11: two_tier: must be true or false, not 'yes'"),
        ("schedule: {pull: 5 min}", "schedule.pull: '5 min' is not a duration — write a number and s, m, h or d: 30s, 5m, 2h"),
        ("schedule: {look_back: 0s}", "schedule.look_back: '0s' is not a duration"),
        ("schedule: {full_compare: 2:00}", "schedule.full_compare: '2:00' is not a time of day — write it as \"02:00\""),
        ("brake: 101%", "brake: '101%' is not a percentage"),
        ("brake: 0.15", "brake: '0.15' is not a percentage"),
        ("time_zone: Europe/Berln", "time_zone: 'Europe/Berln' is not a time zone — did you mean 'Europe/Berlin'?"),
        ("time_zone: ../etc", "time_zone: '../etc' is not a time zone"),
        ("two_tier: true", "second_partner: two_tier needs second_partner.display_label"),
        ("deals: {record: deal}", "deals.record: salesforce has no 'deal' record"),
        ("deals: {approvals: [distributor]}", "a portal without two_tier has no distributor track"),
        ("deals: {approvals: []}", "lists no track"),
        ("deals: {approvals: [vendor, vendor]}", "'vendor' stands twice"),
        ("deals: {types: [new, renewal, new]}", "'new' stands twice"),
        ("deals: {registration_period: {default: 90}}", "acme.yaml:6:40: deals.registration_period.default: '90' is not a number of days"),
        ("deals: {registration_period: {default: 0d}}", "'0d' is not a number of days — write a whole number from 1 to 9999 and d: 90d"),
        ("deals: {registration_period: {types: {new: 3m}}}", "deals.registration_period.types.new: '3m' is not a number of days"),
        ("deals: {registration_period: 90d}", "must be a mapping"),
        ("deals: {registration_period: {new: 90d}}", "unknown key 'new'"),
        (
            "deals: {types: [new, renewal], registration_period: {types: {renewl: 30d}}}",
            "acme.yaml:6:62: deals.registration_period.types.renewl: deals.types has no type 'renewl' — did you mean 'renewal'?",
        ),
        ("deals: {unassociated_second_partner: revrt}", "did you mean 'revert'?"),
        ("associations: {mode: rules, contract_values: {A: b}}", "contract_values have no effect in rules mode"),
        ("associations: {mode: contracts, rules: [{name: a, match: [x]}]}", "rules have no effect in contracts mode"),
        ("associations: {mode: rules}", "acme.yaml:6:22: associations.mode: rules mode without rules associates no companies — add rules:"),
        ("associations: {mode: rules, rules: {name: a}}", "associations.rules: a map stands where a list belongs"),
        ("overrides: [company.name.native]", "overrides: a list stands where a map belongs"),
        ("associations: {mode: rules, rules: [{name: a}]}", "the rule 'a' has no condition"),
        ("associations: {mode: rules, rules: [{name: a, partner: {region: EMEA}}]}", "must be a list, not 'EMEA'"),
        ("associations: {mode: rules, rules: [{name: a, partner: {region: []}}]}", "lists no value"),
        ("associations: {mode: rules, rules: [{name: a, match: [x]}, {name: a, match: [x]}]}", "two rules are named 'a'"),
        ("vendor: {account_type_value: X}\npartner: {account_type_value: X}", "'X' stands for vendor and partner"),
        ("vendor: {account_type_value: ' '}", "is blank"),
        ("schedule: 5m", "schedule: must be a mapping (`key: value`), not '5m'"),
    ],
)
def test_each_mistake_says_where_what_and_what_would_be_right(tmp_path: Path, extra: str, expected: str) -> None:
    assert any(expected in line for line in mistakes_of(tmp_path, MINIMAL + extra + "\n"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind: salesforce", "kind: sales", "crm.kind: 'sales' is not allowed — did you mean 'salesforce'?"),
        ("mapping: salesforce.yaml", "mapping: ../x.yaml", "is not a mapping file"),
        ("flow: client_credentials", "flow: static_token", "'static_token' is not a flow of salesforce"),
        (" domain: acme.my,", "", "'domain' is missing — client_credentials needs domain, client_id, client_secret"),
        ("domain: acme.my,", "domain: acme.my.salesforce.com,", "crm.auth.domain: ends with .salesforce.com — leave that out"),
        *(
            ("domain: acme.my,", f'domain: "{domain}",', "crm.auth.domain: is not a host name")
            for domain in (
                "evil.example/x?",
                "https://acme.my",
                "evil.example:443/",
                "user@evil.example",
                "a b",
                "acme.my.",
                "-a",
                "a..b",
                "a#",
            )
        ),
        ("domain: acme.my,", 'domain: acme.my, token: "${ACME_HS_TOKEN}",', "client_credentials has no 'token'"),
        ("auth:", "base_url: http://example.com\n  auth:", "plain http to 'example.com' would show tokens"),
        ("auth:", "base_url: http://127.0.0.1.evil.org\n  auth:", "plain http to"),
        ("auth:", "base_url: https://user:pw@host\n  auth:", "is not a base URL"),
        ("auth:", "base_url: ftp://127.0.0.1\n  auth:", "is not a base URL"),
        ("auth:", "bulk_above: 0\n  auth:", "'0' is not a count"),
        ("auth:", "parallel_calls: 0\n  auth:", "yaml:5:19: crm.parallel_calls: '0' is not a count"),
        ("auth:", "api_budget: {daily: many}\n  auth:", "'many' is not a count"),
        ("auth:", "api_budget: {reserve: {live: 90%}}\n  auth:", "the shares add up to 120%"),
        ("portal: acme", "portal: Acme", "'Acme' is not a portal name"),
        ("portal: acme", "portal: other", "the file acme.yaml holds the portal 'other' — name it other.yaml"),
        ("portal: acme\n", "", "'portal' is missing"),
    ],
)
def test_mistakes_in_the_connection(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in mistakes_of(tmp_path, MINIMAL.replace(old, new, 1)))


def test_all_mistakes_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    text = MINIMAL.replace("${ACME_SF_ID}", "${NOPE}") + "brake: much\ntime_zone: Mars\nschedule: {pull: soon}\n"
    lines = [int(line.split(":")[1]) for line in mistakes_of(tmp_path, text)]
    assert lines == [5, 6, 7, 8]


# ── the folder ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_without_portals_says_what_to_do(tmp_path: Path) -> None:
    for config in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError, match=r"no portal file here — copy .*examples/contracts\.yaml to .*portals/acme\.yaml"):
            load_portals(config, ENVIRON)
    (tmp_path / "portals").mkdir()
    (tmp_path / "portals" / ".gitkeep").touch()
    with pytest.raises(ConfigError, match="no portal file"):
        load_portals(tmp_path, ENVIRON)


def test_a_file_with_a_mistake_does_not_keep_the_other_portals_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "portals"
    folder.mkdir()
    (folder / "acme.yaml").write_text(MINIMAL + "brake: x\n")
    (folder / "beta.yaml").write_text("a: [")
    (folder / "gamma.yml").write_text(MINIMAL.replace("acme\n", "gamma\n", 1))
    (folder / "delta.yaml").write_text(MINIMAL.replace("acme\n", "delta\n", 1))
    found = {portal.name: portal for portal in load_portals(tmp_path, ENVIRON)}
    unfit = {name: one for name, one in found.items() if isinstance(one, Unfit)}
    assert list(found) == ["acme", "beta", "delta", "gamma.yml"]
    assert found.keys() - unfit.keys() == {"delta"}
    assert [[Path(mistake.place.file).name for mistake in one.mistakes] for one in unfit.values()] == [
        ["acme.yaml"],
        ["beta.yaml"],
        ["gamma.yml"],
    ]
    assert [one.mapping for one in unfit.values()] == ["salesforce.yaml", "", "salesforce.yaml"]


def test_portals_come_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "portals"
    folder.mkdir()
    for name in ("b", "a-1"):
        (folder / f"{name}.yaml").write_text(MINIMAL.replace("acme\n", f"{name}\n", 1))
    assert [portal.name for portal in load_portals(tmp_path, ENVIRON)] == ["a-1", "b"]


@settings(deadline=None)
@given(data=st.data())
def test_a_mutated_portal_file_is_read_or_refused_never_more(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = (EXAMPLES / data.draw(st.sampled_from(["contracts.yaml", "rules.yaml"]))).read_text()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    piece = data.draw(st.sampled_from(["", ":", "[]", "{}", "null", "x", " ", "\n", "true", "- a", "${X}", "''", "5m"]))
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    path.write_text(text[:start] + piece + text[end:])
    with contextlib.suppress(ConfigError):
        load_portal(path, ENVIRON, is_example=True)


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ('{flow: jwt_bearer, domain: a.my, client_id: i, username: u, private_key: "${ACME_SF_SECRET}"}', None),
        ('{flow: jwt_bearer, domain: a.my, client_id: i, username: u, private_key: "${ACME_SF_SECRET}", audience: x}', None),
        ('{flow: refresh_token, domain: a.my, client_id: i, client_secret: "${ACME_SF_SECRET}", refresh_token: "${ACME_SF_ID}"}', None),
        ("{flow: jwt_bearer, domain: a.my, client_id: i, username: u}", "'private_key' is missing"),
        ('{flow: client_credentials, domain: a.my, client_id: i, client_secret: "${ACME_SF_ID}", audience: x}', "has no 'audience'"),
    ],
)
def test_each_flow_has_its_own_keys(tmp_path: Path, auth: str, expected: str | None) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(f"portal: acme\ncrm: {{kind: salesforce, mapping: salesforce.yaml, auth: {auth}}}\n")
    if expected is None:
        assert load_portal(path, {"ACME_SF_ID": "i", "ACME_SF_SECRET": "s"}).crm.auth.client_id == "i"
        return
    with pytest.raises(ConfigError, match=expected):
        load_portal(path, {"ACME_SF_ID": "i", "ACME_SF_SECRET": "s"})


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

HUBSPOT_HOOKED = HUBSPOT.replace("mapping: hubspot.yaml,", "mapping: hubspot.yaml, webhooks: {WEBHOOKS},")
HOOKED = MINIMAL + "  webhooks: {WEBHOOKS}\n"


@pytest.mark.parametrize("organization_id", ["00D5g000004XXXX", "00D5g000004XXXXEAI"])
def test_what_salesforces_webhooks_are_proven_by(tmp_path: Path, organization_id: str) -> None:
    webhooks = load(tmp_path, HOOKED.replace("WEBHOOKS", f'organization_id: {organization_id}, secret: "${{ACME_SF_HOOK}}"')).crm.webhooks
    assert webhooks.organization_id == organization_id
    assert webhooks.secret
    assert webhooks.secret.get_secret_value() == "hook-7"


def test_what_hubspots_webhooks_are_proven_by(tmp_path: Path) -> None:
    written = 'hub_id: "47110815", secret: "${ACME_SF_HOOK}"'
    webhooks = load(tmp_path, HUBSPOT_HOOKED.replace("WEBHOOKS", written)).crm.webhooks
    assert (webhooks.hub_id, webhooks.signature) == ("47110815", "v3")
    assert load(tmp_path, HUBSPOT_HOOKED.replace("WEBHOOKS", written + ", signature: v1")).crm.webhooks.signature == "v1"


@pytest.mark.parametrize(
    ("text", "written", "words"),
    [
        (HOOKED, "organization_id: 00D5g000004XXXX", "'secret' is missing — a salesforce webhook needs organization_id, secret"),
        (HOOKED, 'secret: "${ACME_SF_HOOK}"', "'organization_id' is missing"),
        (HOOKED, 'organization_id: 001, secret: "${ACME_SF_HOOK}"', "'001' is not an organization id — 15 or 18 letters and digits"),
        (HOOKED, 'organization_id: 00D5g000004XXXX, secret: "${ACME_SF_HOOK}", hub_id: 1', "a salesforce webhook has no 'hub_id'"),
        (HOOKED, 'organization_id: 00D5g000004XXXX, secret: "${ACME_SF_HOOK}", signature: v1', "a salesforce webhook has no 'signature'"),
        (HOOKED, 'organization_id: 00D5g000004XXXX, secret: "${ODD}"', "does not fit into an address — use letters, digits"),
        (HOOKED, "organization_id: 00D5g000004XXXX, secret: hook", "a secret must not stand in the file"),
        (HUBSPOT_HOOKED, 'secret: "${ACME_SF_HOOK}"', "'hub_id' is missing — a hubspot webhook needs hub_id, secret"),
        (HUBSPOT_HOOKED, 'hub_id: acme, secret: "${ACME_SF_HOOK}"', "'acme' is not a Hub ID"),
        (HUBSPOT_HOOKED, 'hub_id: 7, secret: "${ACME_SF_HOOK}", signature: v2', "signature"),
        (HUBSPOT_HOOKED, 'hub_id: acme, secret: "${NOWHERE}"', "NOWHERE is not set"),
    ],
)
def test_webhooks_that_could_never_be_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, written: str, words: str) -> None:
    monkeypatch.setitem(ENVIRON, "ODD", "a/b?c")
    mistakes = mistakes_of(tmp_path, text.replace("WEBHOOKS", written))
    assert any(words in mistake for mistake in mistakes), mistakes
    assert not any("a/b?c" in mistake or "hook-7" in mistake for mistake in mistakes)
