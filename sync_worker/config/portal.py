"""`config/portals/<portal>.yaml` as it is once read: one tenant, its CRM connection, its mode and its rhythm, frozen.

The shape stands in the models below. Reading the file, and what one key alone cannot say, is `portal_file.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from sync_worker.config.scalars import (
    BaseUrl,
    Count,
    Days,
    Flag,
    HubId,
    OrganizationId,
    Percent,
    Seconds,
    SubDomain,
    Text,
    TimeOfDay,
    ZoneName,
)
from sync_worker.config.source import Source
from sync_worker.config.validation import wrong
from sync_worker.domain.tell.event import KINDS
from sync_worker.domain.tell.notification import Topic
from sync_worker.errors import Mistake

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
MOST_OVERRIDES = 1000  # each is grafted into the whole mapping, which has some hundred fields


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise wrong(f"{value!r} is not a portal name", "small letters, digits and hyphens, beginning with a letter or digit")
    return value


def _file_name(value: str) -> str:
    if Path(value).is_absolute() or ".." in Path(value).parts or not value.endswith(".yaml"):
        raise wrong(f"{value!r} is not a mapping file", "name a .yaml file inside the mappings folder: salesforce.yaml")
    return value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise wrong(f"{twice[0]!r} stands twice", "keep one")
    return values


def _one_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text != text.strip() or not text.isprintable():
        raise wrong(
            "holds a line end, a control character, or a blank at an end",
            "put the secret alone into the variable: one line, without a blank at an end",
        )
    return value


Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_one_line)]
CrmKind: TypeAlias = Literal["salesforce", "hubspot"]
Track: TypeAlias = Literal["distributor", "vendor"]
Side: TypeAlias = Literal["vendor", "distributor", "reseller"]
AssociationMode: TypeAlias = Literal["contracts", "rules"]
MODES: tuple[str, ...] = get_args(AssociationMode)
Condition: TypeAlias = dict[str, tuple[Text, ...]]


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PortalPart(BaseModel):
    """One mapping of the file: frozen, and no key but the named ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False, defer_build=True)


class Auth(PortalPart):
    """How to log in. One model for all flows; `FLOWS` says what each needs."""

    flow: Literal["client_credentials", "jwt_bearer", "refresh_token", "authorization_code", "static_token"]
    domain: SubDomain | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    username: Text | None = None
    private_key: SecretStr | None = None
    audience: Text | None = None
    refresh_token: Secret | None = None
    token: Secret | None = None


class WebhookProof(PortalPart):
    """What proves that a notice comes from this portal's CRM. One model for all; `WEBHOOKS` says what each CRM needs.

    **Shapes** `secret`: at Salesforce the last part of the address, at HubSpot the app's own.
    """

    organization_id: OrganizationId | None = None
    hub_id: HubId | None = None
    secret: Secret | None = None
    signature: Literal["v3", "v1"] = "v3"


class Reserve(PortalPart):
    """What of the day's calls is kept for each kind of work, in percent; what is not reserved goes to the first that asks."""

    live: Percent = 40
    backfill: Percent = 20
    operator: Percent = 10


class ApiBudget(PortalPart):
    """**Units** `daily`: calls per day; `None` leaves the CRM's own limit as the only one."""

    daily: Count | None = None
    reserve: Reserve = Reserve()


class CrmSettings(PortalPart):
    """Which CRM, where, and who we are there.

    **Units** `bulk_above`: records left to read, beyond which the CRM is asked to prepare them in bulk, where it can; `None` = never.
    `parallel_calls`: in flight at once, of all processes; `None` = as many as this CRM takes well.
    """

    kind: CrmKind
    mapping: Annotated[str, AfterValidator(_file_name)]
    base_url: BaseUrl | None = None
    auth: Auth
    webhooks: WebhookProof = WebhookProof()
    api_budget: ApiBudget = ApiBudget()
    parallel_calls: Count | None = None
    bulk_above: Count | None = 100_000  # by pages that many are 50 calls at Salesforce, and begin to come at once


class CompanyTypeSettings(PortalPart):
    """How one account type is spelled in the CRM, and what people call it. The label changes no behaviour."""

    account_type_value: Text | None = None
    display_label: Text | None = None


class RuleSettings(PortalPart):
    """All conditions hold together. `partner` and `second_partner`: field → listed values; `match`: fields with a value in common."""

    name: Text
    partner: Condition = Field(default_factory=dict)
    second_partner: Condition = Field(default_factory=dict)
    match: tuple[Text, ...] = ()


class AssociationSettings(PortalPart):
    """Where associations come from; set once per portal."""

    mode: AssociationMode
    contract_values: dict[str, Text] = Field(default_factory=dict)
    rules: tuple[RuleSettings, ...] = ()


class RegistrationPeriod(PortalPart):
    """How long a registration runs: its last day is so many days after its submission.

    **Units** days. **Shapes** `default` None: types that are not listed get no last day by themselves; `types`: deal type → days.
    """

    default: Days | None = None
    types: dict[Text, Days] = Field(default_factory=dict)


class DealSettings(PortalPart):
    """Which CRM record stands behind a deal, who decides on it, how long it runs, and its types, which have percents in terms; none listed
    = any name."""

    record: Literal["lead", "opportunity", "deal"]
    run_assignment_rules_on_create: Flag = False
    from_crm: Flag = False
    approvals: Annotated[tuple[Track, ...], AfterValidator(_distinct)]
    on_behalf: Flag = False
    unassociated_second_partner: Literal["accept", "revert"] = "accept"
    types: Annotated[tuple[Text, ...], AfterValidator(_distinct)] = ()
    registration_period: RegistrationPeriod = RegistrationPeriod()


KEPT_EVENTS_S: Final = 30 * 86_400  # where nothing is said, also of a feed that was taken out of the file


class FeedSettings(PortalPart):
    """Where the portal hears of changes.

    **Shapes** `secret`: `whsec_…`; `previous_secret`: the one that it replaces, while both sign; `events`: the kinds the portal wants.
    **Units** `keep_s`: of an event.
    """

    url: BaseUrl
    secret: Secret
    previous_secret: Secret | None = None
    events: Annotated[tuple[Text, ...], AfterValidator(_distinct)] = tuple(KINDS)
    keep_s: Seconds = Field(default=KEPT_EVENTS_S, alias="keep")


class MailSettings(PortalPart):
    """Which of the portal's people are told of what, by notifications and by mail.

    **Shapes** `notices`: those switched on; `deal_url`: a deal's page, with `{id}`. **Units** days, before an expiry and of waiting.
    """

    notices: Annotated[tuple[Text, ...], AfterValidator(_distinct)] = tuple(Topic)
    deal_url: Text | None = None
    remind_before: tuple[Count, ...] = (14, 3)
    remind_waiting: tuple[Count, ...] = (3, 7)


class JourneySettings(PortalPart):
    """What journeys may do before a person has looked.

    **Shapes** `all_users`: a journey can name every user of a company. **Units** `confirm_percent`: of the portal's users.
    """

    most_mails_per_hour: Count = 500  # of one journey
    confirm_percent: Percent = Field(default=50, alias="confirm_above")
    all_users: Flag = False


class QuoteSettings(PortalPart):
    """Who may write a discount into a quote's lines, beside what the terms say. The distributor-priced quote is the vendor's alone."""

    discount: Annotated[tuple[Side, ...], AfterValidator(_distinct)] = ("vendor",)


class ScheduleSettings(PortalPart):
    """When to look. **Units** `_s`: seconds; `full_compare`: the portal's time zone."""

    pull_s: Seconds = Field(default=300, alias="pull")
    look_back_s: Seconds = Field(default=900, alias="look_back")  # late-visible rows of long transactions
    full_compare: TimeOfDay | None = None


class Retention(PortalPart):
    """How long what is over is kept; the history of deals and associations stays.

    **Units** `_s`: seconds, since a run began, a failure was resolved, a mail was settled, a notification was written, a journey told
    or did not tell, an intervention was asked for; for notes and files of deals: since the last change of a deal that is over.
    """

    runs_s: Seconds = Field(default=90 * 86_400, alias="runs")
    failures_s: Seconds = Field(default=180 * 86_400, alias="failures")
    mails_s: Seconds = Field(default=90 * 86_400, alias="mails")
    notifications_s: Seconds = Field(default=90 * 86_400, alias="notifications")
    journey_log_s: Seconds = Field(default=90 * 86_400, alias="journey_log")
    interventions_s: Seconds = Field(default=365 * 86_400, alias="interventions")
    deal_notes_s: Seconds = Field(default=1095 * 86_400, alias="deal_notes")
    deal_files_s: Seconds = Field(default=1095 * 86_400, alias="deal_files")


class Portal(PortalPart):
    """One tenant.

    **Shapes** `overrides`: dotted path in the mapping → node as written (their places: `source`, under `overrides`).
    **Units** `brake_percent`: of the portal's associations or active companies, over 24 h.
    """

    portal: Annotated[str, AfterValidator(_name)]
    crm: CrmSettings
    vendor_company: Text | None = None
    vendor: CompanyTypeSettings = CompanyTypeSettings()
    two_tier: Flag = False
    second_partner: CompanyTypeSettings = CompanyTypeSettings()
    partner: CompanyTypeSettings = CompanyTypeSettings()
    associations: AssociationSettings = AssociationSettings(mode="contracts")
    overrides: dict[str, Any] = Field(default_factory=dict, max_length=MOST_OVERRIDES)
    deals: DealSettings
    journeys: JourneySettings = Field(default_factory=JourneySettings)
    quotes: QuoteSettings = QuoteSettings()
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings)
    feed: FeedSettings | None = None
    mail: MailSettings = Field(default_factory=MailSettings)
    retention: Retention = Field(default_factory=Retention)
    brake_percent: Percent = Field(default=15, alias="brake")
    time_zone: ZoneName = "UTC"
    _source: Source = PrivateAttr()
    _unset: tuple[Mistake, ...] = PrivateAttr(default=())

    @property
    def name(self) -> str:
        """The portal's name, as in `portal:` and the file's name."""
        return self.portal

    @property
    def source(self) -> Source:
        """The file as written, with its places; secrets stand there as `${NAME}`."""
        return self._source

    @property
    def zone(self) -> tzinfo:
        """The time zone that decides which day a moment belongs to."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)

    @property
    def account_type_values(self) -> Mapping[str, str]:
        """Account type → its spelling in this CRM; without the types that this portal does not have."""
        spelled = {"vendor": self.vendor, "partner": self.partner}
        if self.two_tier:
            spelled["second_partner"] = self.second_partner
        return {kind: company.account_type_value for kind, company in spelled.items() if company.account_type_value}

    @property
    def rule_fields(self) -> tuple[str, ...]:
        """The fields of companies that the rules name, each once; not the company itself."""
        rules = self.associations.rules if self.associations.mode == "rules" else ()
        return tuple(dict.fromkeys(name for rule in rules for name in (*rule.partner, *rule.second_partner, *rule.match) if name != "name"))

    @property
    def unset(self) -> tuple[Mistake, ...]:
        """The variables that the file names and that are not set, each with its place. What stands for them must never be used."""
        return self._unset

    def written_in(self, source: Source, unset: Sequence[Mistake] = ()) -> Portal:
        """The same portal, knowing the file it came from, and which of its variables are not set."""
        self._source, self._unset = source, tuple(unset)
        return self
