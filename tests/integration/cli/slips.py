"""The mistakes that integrators make in portal files, mappings, commands and the environment: each with the message it must give.

A row of files names the text that the message must point at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PORTAL, SF = "config/portals/acme.yaml", "mappings/salesforce.yaml"
LINT, MAPPINGS = ("portals", "lint"), ("mappings", "lint")
CONTRACTS = """\
  mode: contracts                       # contracts | rules; set once
  contract_values:                      # optional: only if a value is not the name of its company
    Arrow Inc: 0015g00000AAAAAAA5
"""


@dataclass(frozen=True)
class Slip:
    """One mistake. **Shapes** `edits`: file → (old, new); `at`: what stands where the message points; `says`: a part of the message."""

    name: str
    command: tuple[str, ...]
    says: str
    file: str = PORTAL
    edits: tuple[tuple[str, str], ...] = ()
    at: str = ""
    code: int = 2
    environ: dict[str, str | None] = field(default_factory=dict)


def portal(name: str, old: str, new: str, says: str, *, at: str = "", **more: object) -> Slip:
    return Slip(name, LINT, says, edits=((old, new),), at=at, **more)  # type: ignore[arg-type]


def rules(name: str, rule: str, says: str, at: str) -> Slip:
    """A portal by rules."""
    return portal(name, CONTRACTS, f"  mode: rules\n  rules: {rule}\n", says, at=at)


def mapping(name: str, old: str, new: str, says: str, at: str, command: tuple[str, ...] = MAPPINGS) -> Slip:
    return Slip(name, command, says, file=SF, edits=((old, new),), at=at)


def override(name: str, line: str, says: str, at: str) -> Slip:
    return portal(name, "  company.second_partners.native: Associated_TSB__c\n", f"  {line}\n", says, at=at)


SLIPS = (
    # the portal file: keys and values
    portal("a key misspelled", "two_tier:", "two_teir:", "unknown key 'two_teir' — did you mean 'two_tier'?", at="two_teir"),
    portal("yes for true", "two_tier: true", "two_tier: yes", "must be true or false, not 'yes' — write true", at="yes"),
    portal("a CRM misspelled", "kind: salesforce", "kind: salesfroce", "is not allowed — did you mean 'salesforce'?", at="salesfroce"),
    portal(
        "a mapping with .yml", "mapping: salesforce.yaml", "mapping: salesforce.yml", "name a .yaml file inside the mappings", at="sales"
    ),
    portal(
        "a mapping misspelled", "mapping: salesforce.yaml", "mapping: salesfroce.yaml", "did you mean 'salesforce.yaml'?", at="salesfroce"
    ),
    portal("a key left out", "portal: acme  ", "# portal: acme  ", "'portal' is missing — add it"),
    portal("a name with capitals", "portal: acme ", "portal: Acme ", "small letters, digits and hyphens", at="Acme"),
    portal("a name that is not the file's", "portal: acme ", "portal: acne ", "holds the portal 'acne' — name it acne.yaml", at="acne"),
    portal(
        "a list for a map", CONTRACTS, "  - mode: contracts\n", "a list stands where a map belongs — write `key: value` lines", at="- mode"
    ),
    portal(
        "a map for a list", "[distributor, vendor]", "{distributor: true}", "a map stands where a list belongs — write [a, b]", at="{dist"
    ),
    portal("a key without a value", "schedule: {pull", "schedule: # {pull", "has no value — give one, or leave the key out", at="schedule"),
    portal(
        "a key that stands twice",
        "two_tier: true",
        "two_tier: true\ntwo_tier: true",
        "'two_tier' stands twice — first on line",
        at="two_tier",
    ),
    portal("a tab", "    domain: acme.my", "\tdomain: acme.my", "is not YAML: found character '\\t' that cannot start any token — indent"),
    portal("a bracket not closed", "approvals: [distributor, vendor]", "approvals: [distributor, vendor", "is not YAML: "),
    # the portal file: the CRM
    portal("a secret in the file", '"${ACME_SF_SECRET}"', "hunter2", "a secret must not stand in the file — write ${NAME}", at="hunter2"),
    portal(
        "a variable not set",
        "${ACME_SF_ID}",
        "${ACME_SFID}",
        "the environment variable ACME_SFID is not set — export ACME_SFID=…",
        at='"${',
    ),
    portal(
        "http to elsewhere",
        "# base_url: http://127.0.0.1:8081",
        "base_url: http://crm.acme.com",
        "use https; plain http is for loopback",
        at="http",
    ),
    portal(
        "a flow of the other CRM",
        "flow: client_credentials",
        "flow: static_token",
        "is not a flow of salesforce — allowed: client_credentials",
        at="static",
    ),
    portal(
        "a part of the log-in left out",
        '    client_id: "${ACME_SF_ID}"\n',
        "",
        "'client_id' is missing — client_credentials needs",
        at="auth",
    ),
    portal(
        "an organization id of another kind",
        "00D5g000004XXXX",
        "0015g000004XXXX",
        "15 or 18 letters and digits that begin with 00D",
        at="0015g",
    ),
    portal(
        "a webhook of the other CRM",
        "organization_id: 00D5g000004XXXX",
        "organization_id: 00D5g000004XXXX, hub_id: 4711",
        "a salesforce webhook has no 'hub_id' — leave it out",
        at="hub_id",
    ),
    portal(
        "a number with a point", "daily: 50000", 'daily: "50.000"', "'50.000' is not a count — write a whole number from 1", at='"50.000"'
    ),
    portal("reserves above 100%", "live: 40%", "live: 90%", "the shares add up to 120% — keep live + backfill + operator within 100%"),
    # the portal file: tiers, associations
    portal(
        "a time zone misspelled", "Europe/Berlin", "Europe/Berln", "is not a time zone — did you mean 'Europe/Berlin'?", at="Europe/Berln"
    ),
    portal(
        "no name for people",
        ", display_label: Distributor",
        "",
        "two_tier needs second_partner.display_label — add display_label",
        at="second_partner",
    ),
    portal(
        "two types of one spelling",
        "{account_type_value: Partner,",
        "{account_type_value: Distributor,",
        "each account type needs a spelling of its own",
        at="Distributor",
    ),
    portal(
        "rules in contracts mode", CONTRACTS, "  mode: contracts\n  rules: [{name: a, match: [country]}]\n", "set mode: rules", at="rules"
    ),
    portal(
        "rules mode without rules",
        CONTRACTS,
        "  mode: rules\n",
        "rules mode without rules associates no companies — add rules:",
        at="rules",
    ),
    portal("contract values as a list", "    Arrow Inc: 001", "    - Arrow Inc: 001", "a list stands where a map belongs", at="- Arrow"),
    rules("a rule without a condition", "[{name: a}]", "has no condition — add partner, second_partner or match", "{name: a}"),
    rules("a field misspelled in a rule", "[{name: a, match: [contry]}]", "has no field 'contry' — did you mean 'country'?", "contry"),
    rules("a value misspelled in a rule", "[{name: a, partner: {tier: [gold]}}]", "is not a value of tier — did you mean 'Gold'?", "gold"),
    rules("one word for a list", "[{name: a, partner: {tier: Gold}}]", "must be a list, not 'Gold' — write [Gold]", "Gold"),
    rules(
        "a rule over the status",
        "[{name: a, match: [portal_status]}]",
        "rules may not use 'portal_status' — use a field under attributes",
        "portal_status",
    ),
    rules(
        "two rules of one name",
        "[{name: a, match: [country]}, {name: a, match: [tier]}]",
        "two rules are named 'a' — give each its own name",
        "a, match: [tier]",
    ),
    # the portal file: overrides
    override(
        "a part of the mapping misspelled", "compny.name.native: Name", "is not a path into the mapping — did you mean 'company'?", "compny"
    ),
    override("a field misspelled in an override", "company.portal_staus.native: X__c", "did you mean 'portal_status'?", "company.portal"),
    override(
        "an attribute misspelled in an override",
        "company.attributes.regoin.native: X__c",
        "did you mean 'region'? a new attribute is written whole",
        "company.attr",
    ),
    override(
        "an override below a name",
        "company.name.native.lead: X",
        "is 'Name', not a mapping — override company.name.native as a whole",
        "company.name",
    ),
    override(
        "nothing to take away", "company.attributes.teir: null", "there is nothing here to remove — did you mean 'tier'?", "company.attr"
    ),
    # the portal file: deals, schedule, feed, mail
    portal(
        "a record of the other CRM",
        "record: lead",
        "record: deal",
        "salesforce has no 'deal' record — allowed: lead, opportunity",
        at="deal",
    ),
    portal(
        "a track misspelled",
        "[distributor, vendor]",
        "[distributer, vendor]",
        "is not allowed — did you mean 'distributor'?",
        at="distributer",
    ),
    portal(
        "a track without its tier",
        "two_tier: true ",
        "two_tier: false ",
        "a portal without two_tier has no distributor track — write [vendor]",
        at="[dist",
    ),
    portal(
        "days without a d",
        "# registration_period: {default: 90d,",
        "registration_period: {default: 90,",
        "is not a number of days — write a whole number",
        at="90",
    ),
    portal(
        "a duration in words", "pull: 5m", "pull: 5 min", "is not a duration — write a number and s, m, h or d: 30s, 5m, 2h", at="5 min"
    ),
    portal("a time of one digit", 'full_compare: "02:00"', "full_compare: 2:00", 'is not a time of day — write it as "02:00"', at="2:00"),
    portal(
        "a share without a percent sign",
        "brake: 15%",
        "brake: 0.15",
        "is not a percentage — write a whole number from 0% to 100%",
        at="0.15",
    ),
    portal(
        "a feed secret of another form",
        "brake: 15%",
        'feed: {url: "https://x.example", secret: "${FEED}"}\nbrake: 15%',
        "is not a secret of Standard Webhooks — whsec_",
        at='"${FEED}"',
    ),
    portal(
        "a page of no deal",
        '# mail: {deal_url: "https://portal.example.com/deals/{id}",',
        'mail: {deal_url: "https://portal.example.com/deals",',
        "does not lead to a deal — write a whole address, with {id}",
        at='"https',
    ),
    # mappings
    mapping(
        "a field misspelled",
        "  account_type: ",
        "  acount_type: ",
        "unknown key 'acount_type' — did you mean 'account_type'?",
        "acount_type",
    ),
    mapping("decimals out of range", "transform: decimal(2)", "transform: decimal(9)", "decimal(n) takes n from 0 to 6", "decimal(9)"),
    mapping(
        "a transform misspelled",
        "transform: multi_select, direction",
        "transform: multiselect, direction",
        "did you mean 'multi_select'?",
        "multiselect",
    ),
    mapping("a direction misspelled", "direction: push, write: once", "direction: push, write: onec", "did you mean 'once'?", "onec"),
    mapping(
        "a label for an API name",
        "native: Portal_Tier__c",
        "native: Portal Tier",
        "is not an API name — letters, digits and single underscores",
        "Portal Tier",
    ),
    mapping(
        "one underscore",
        "native: Portal_Tier__c",
        "native: Portal_Tier_c",
        "ends in two underscores and a small c: Portal_Tier__c",
        "Portal_Tier_c",
    ),
    mapping(
        "a relationship",
        "native: OwnerId",
        "native: Owner.Name",
        "a field of another record cannot be read; make a formula field",
        "Owner.Name",
    ),
    mapping(
        "wire as a list", "wire: {null: null, boolean: json, number: json}", "wire: [null]", "a list stands where a map belongs", "[null]"
    ),
    mapping(
        "values without a native side",
        "values: {Active: active",
        "values: {Active: actve",
        "is not a value of portal_status — did you mean 'active'?",
        "actve",
    ),
    mapping(
        "a default outside the values",
        "[Registered, Silver, Gold, Platinum]}",
        "[Registered, Silver, Gold, Platinum], default: Silber}",
        "is not among the values — did you mean 'Silver'?",
        "Silber",
    ),
    mapping(
        "rules over free text",
        ", values: [AMER, APAC, EMEA, LATAM]",
        "",
        "a field that rules use needs a list of values — add values",
        "rule_field",
    ),
    mapping(
        "a placeholder misspelled",
        "$second_partner: second_partner}",
        "$second_parnter: second_partner}",
        "did you mean '$second_partner'?",
        "$second_parnter",
    ),
    mapping(
        "two fields write one",
        "native: Portal_Licences__c",
        "native: Portal_Term_Years__c",
        "already writes Portal_Term_Years__c on lead — make one of them",
        "Portal_Term",
    ),
    mapping(
        "a record that is not there", "converts_to: opportunity", "converts_to: opportunty", "did you mean 'opportunity'?", "opportunty"
    ),
    mapping(
        "a set read as text",
        "Associated_Second_Partner__c, transform: multi_select,",
        "Associated_Second_Partner__c,",
        "plain text gives text — transform: multi_select",
        "{native",
    ),
    mapping("a version to come", "version: 1", "version: 2", "'2' is not allowed — ", "2"),
    mapping(
        "an example that comes out otherwise",
        "portal: {name: Blank,",
        "portal: {name: Bland,",
        "expected 'Bland', got 'Blank' — correct the example or the mapping",
        "Bland",
        ("mappings", "test"),
    ),
)


@dataclass(frozen=True)
class Typed:
    """One mistake in a command or in the environment."""

    name: str
    command: str
    says: str
    code: int = 2
    environ: dict[str, str] = field(default_factory=dict)
    before: str = ""


TYPED = (
    Typed("a command misspelled", "dels list acme", "there is no command 'dels'; did you mean 'deals'?"),
    Typed("a subcommand misspelled", "portals lnt", "No such command 'lnt'. Did you mean 'lint'"),
    Typed("an argument left out", "check", "Missing argument 'PORTAL'"),
    Typed("an option misspelled", "provision acme --aply", "No such option: --aply (Possible options: --apply"),
    Typed("a format that is none", "portals lint --format xml", "'xml' is not one of 'text', 'json', 'github'"),
    Typed(
        "a file misspelled",
        "portals lint config/portals/acne.yaml",
        "cannot be read: No such file or directory — did you mean 'acme.yaml'?",
    ),
    Typed("a mapping file misspelled", "mappings lint mappings/salesfroce.yaml", "did you mean 'salesforce.yaml'?"),
    Typed("a record that is no file", "mappings try mappings/salesforce.yaml record.json", "record.json:1:1: (file): cannot be read"),
    Typed("an id without a portal", "mappings try --id 0015g00000AAAAAAA5", "name a mapping file and a record file, or --portal and --id"),
    Typed("a portal misspelled", "portals show acne", "'acne'", before="db upgrade"),
    Typed("no database yet", "portals show acme", "`sync-worker db upgrade`"),
    Typed(
        "another kind of database",
        "portals lint",
        "SYNC_WORKER_DATABASE_URL: the value does not fit — write sqlite:///file.db",
        environ={"DATABASE_URL": "mysql://x"},
    ),
    Typed(
        "a port in words",
        "portals lint",
        "SYNC_WORKER_HTTP_PORT: the value does not fit — write a port from 0 to 65535",
        environ={"HTTP_PORT": "many"},
    ),
    Typed(
        "a log format that is none",
        "portals lint",
        "SYNC_WORKER_LOG_FORMAT: the value does not fit — write console or json",
        environ={"LOG_FORMAT": "xml"},
    ),
    Typed(
        "a folder without portals",
        "portals lint",
        "no portal file here — copy conf/examples/contracts.yaml to conf/portals/acme.yaml",
        environ={"CONFIG_DIR": "conf"},
    ),
    Typed(
        "a folder without mappings",
        "portals lint",
        "crm.mapping: mapping/salesforce.yaml does not exist — mapping holds no mapping",
        environ={"MAPPINGS_DIR": "mapping"},
    ),
    Typed(
        "a variable misspelled",
        "portals lint",
        "SYNC_WORKER_DATABSE_URL: sync-worker has no variable of this name — did you mean 'SYNC_WORKER_DATABASE_URL'?",
        0,
        {"DATABSE_URL": "x"},
    ),
    Typed(
        "a new attribute", "portals lint config/regoin.yaml", "makes a new attribute of the company, 'regoin' — did you mean 'region'?", 0
    ),
)
