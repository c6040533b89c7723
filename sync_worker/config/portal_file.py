"""Reads `config/portals/<portal>.yaml`, and says every mistake with its place.

Secrets are named `${NAME}` in the file and come from the environment. A message quotes what the file says, never what a variable holds, so
no secret is ever printed. A variable that is not set is not a mistake in it: the portal is read and keeps it (`Portal.unset`), so that
whatever only reads the database works without it. What one key alone cannot say (`_cross_checks`) stands at the end.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync_worker.config.nodes import NodePath
from sync_worker.config.portal import Portal, PortalPart, Retention
from sync_worker.config.source import Reader, Source, in_order, read_source
from sync_worker.config.validation import VARIABLE, validated
from sync_worker.domain.tell.event import KINDS
from sync_worker.domain.tell.notification import Topic
from sync_worker.errors import ConfigError, Mistake
from sync_worker.nearest import choose_from

ADDRESS = re.compile(r"[A-Za-z0-9_.~-]+")  # what a part of an address may hold without an escape
FOLDER = "portals"  # inside the configuration
SECRETS: tuple[NodePath, ...] = (
    *(("crm", "auth", key) for key in ("client_secret", "private_key", "refresh_token", "token")),
    ("crm", "webhooks", "secret"),
    ("feed", "secret"),
    ("feed", "previous_secret"),
)
# What each flow of each CRM needs. `domain` is not needed where base_url says where to go.
FLOWS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "salesforce": {
        "client_credentials": ("domain", "client_id", "client_secret"),
        "jwt_bearer": ("domain", "client_id", "username", "private_key"),
        "refresh_token": ("domain", "client_id", "client_secret", "refresh_token"),
        "authorization_code": ("domain", "client_id", "client_secret"),
    },
    "hubspot": {
        "static_token": ("token",),
        "refresh_token": ("client_id", "client_secret", "refresh_token"),
        "authorization_code": ("client_id", "client_secret"),
    },
}
WEBHOOKS: Mapping[str, tuple[str, ...]] = {"salesforce": ("organization_id", "secret"), "hubspot": ("hub_id", "secret")}
OPTIONAL: Mapping[str, tuple[str, ...]] = {"jwt_bearer": ("audience",), "hubspot": ("signature",)}
LEAST_KEPT_S = 7 * 86_400  # events are tried for five days, and a week's work can be looked at after it
UNSET = "unset"  # what stands for a variable that is not there
STAND_INS: Mapping[str, str] = {  # the same, where a key takes less than any text
    "base_url": "https://unset.invalid",
    "url": "https://unset.invalid",
    "organization_id": "00D" + "0" * 12,
    "hub_id": "1",
}
DEAL_RECORDS = {"salesforce": ("lead", "opportunity"), "hubspot": ("deal",)}  # the first is taken where the file says nothing


@dataclass(frozen=True, slots=True)
class Unfit:
    """A portal file with mistakes. **Shapes** `mapping`: what it names, "" where that cannot be read."""

    name: str
    mistakes: tuple[Mistake, ...]
    mapping: str = ""


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_portals(config_dir: Path, environ: Mapping[str, str]) -> tuple[Portal | Unfit, ...]:
    """Every portal of `config_dir/portals`, by name. One whose file has a mistake does not keep the others waiting.

    A portal's name belongs to the file that is called so. A second file that claims it (`copy.yaml` with `portal: acme`, `acme.yml`) is
    unfit under its own name, and takes nothing from the first one.
    **Raises** ConfigError: there is no portal file at all.
    """
    return tuple(sorted((_read(path, environ) for path in portal_paths(config_dir)), key=lambda portal: portal.name))


def _read(path: Path, environ: Mapping[str, str]) -> Portal | Unfit:
    try:
        return load_portal(path, environ)
    except ConfigError as error:
        return Unfit(path.stem if path.suffix == ".yaml" else path.name, error.mistakes, mapping_named_in(path))


def mapping_named_in(path: Path) -> str:
    """The mapping that a portal file names, "" where that cannot be read."""
    try:
        named = read_source(path).at(("crm", "mapping"))
    except ConfigError:
        return ""
    return named if isinstance(named, str) else ""


def portal_paths(config_dir: Path) -> list[Path]:
    """Every portal file. **Raises** ConfigError where there is none."""
    folder = config_dir / FOLDER
    paths = sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml")) if folder.is_dir() else []
    if not paths:
        remedy = f"copy {config_dir / 'examples' / 'contracts.yaml'} to {folder / 'acme.yaml'} and edit it"
        raise ConfigError(f"{folder}: no portal file here — {remedy}")
    return paths


def load_portal(path: Path, environ: Mapping[str, str], *, is_example: bool = False, read: Reader = read_source) -> Portal:
    """One portal file.

    **Shapes** `is_example`: the file's name need not be the portal's; `read`: what gives the file.
    **Raises** ConfigError: every mistake, each with its place, and the variables that are not set beside them.
    """
    source = read(path)
    mistakes = list(_literal_secrets(source))
    data, unset = _filled_in(source, environ)
    try:
        portal = validated(Portal, source, data=_with_defaults(data)).written_in(source, in_order(unset))
    except ConfigError as error:
        raise ConfigError(in_order([*mistakes, *unset, *error.mistakes])) from None
    mistakes += _cross_checks(portal)
    if not is_example:
        mistakes += _name_checks(portal, path)
    if mistakes:
        raise ConfigError(in_order([*mistakes, *unset]))
    return portal


def _literal_secrets(source: Source) -> Iterator[Mistake]:
    for path in SECRETS:
        written = source.at(path)
        if isinstance(written, str) and not VARIABLE.fullmatch(written):
            remedy = "write ${NAME} and put the secret into that environment variable"
            yield source.mistake(path, "a secret must not stand in the file", remedy)


def _filled_in(source: Source, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Mistake]]:
    """The data with every `${NAME}` under `crm` and `feed` replaced, and the variables that are not set."""
    mistakes: list[Mistake] = []

    def fill(node: Any, path: NodePath) -> Any:
        if isinstance(node, dict):
            return {key: fill(child, (*path, key)) for key, child in node.items()}
        if isinstance(node, list):
            return [fill(child, (*path, index)) for index, child in enumerate(node)]
        if not isinstance(node, str):
            return node
        stand_in = STAND_INS.get(str(path[-1]), UNSET) if VARIABLE.fullmatch(node) else UNSET
        return VARIABLE.sub(lambda match: value_of(match[1], path) or stand_in, node)

    def value_of(name: str, path: NodePath) -> str:
        value = environ.get(name, "")
        if not value:
            mistakes.append(source.mistake(path, f"the environment variable {name} is not set", f"export {name}=…"))
        return value

    data = dict(source.data)
    for key in data.keys() & {"crm", "feed"}:
        data[key] = fill(data[key], (key,))
    return data, mistakes


def _with_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """What follows from other keys: the deal record from the CRM, the tracks from the tiers."""
    crm, deals = data.get("crm"), data.get("deals", {})
    kind = crm.get("kind") if isinstance(crm, dict) else None
    if isinstance(deals, dict):
        tracks = ["distributor", "vendor"] if data.get("two_tier") == "true" else ["vendor"]
        record = DEAL_RECORDS.get(kind if isinstance(kind, str) else "", ("lead",))[0]
        deals = {"record": record, "approvals": tracks} | deals
    return data | {"deals": deals}


# ── what one key alone cannot say ─────────────────────────────────────────────────────────────────────────────────────────────


def _name_checks(portal: Portal, path: Path) -> Iterator[Mistake]:
    if path.name != f"{portal.name}.yaml":
        yield portal.source.mistake(("portal",), f"the file {path.name} holds the portal {portal.name!r}", f"name it {portal.name}.yaml")


def _cross_checks(portal: Portal) -> list[Mistake]:
    return [mistake for check in _CHECKS for mistake in check(portal)]


def _auth_checks(portal: Portal) -> Iterator[Mistake]:
    flows, auth, source = FLOWS[portal.crm.kind], portal.crm.auth, portal.source
    at: NodePath = ("crm", "auth")
    kind, flow = source.at(("crm", "kind")), source.at((*at, "flow"))
    if auth.flow not in flows:
        yield source.mistake((*at, "flow"), f"{flow!r} is not a flow of {kind}", f"allowed: {', '.join(flows)}")
        return
    needed = tuple(key for key in flows[auth.flow] if key != "domain" or not portal.crm.base_url)
    keys = _Keys(flow, needed, ("flow", *flows[auth.flow], *OPTIONAL.get(auth.flow, ())))
    yield from _key_checks(source, at, auth, keys)


def _webhook_checks(portal: Portal) -> Iterator[Mistake]:
    kind, source, webhooks = portal.crm.kind, portal.source, portal.crm.webhooks
    at: NodePath = ("crm", "webhooks")
    if source.at(at):
        keys = _Keys(f"a {source.at(('crm', 'kind'))} webhook", tuple(WEBHOOKS[kind]), tuple(OPTIONAL.get(kind, ())))
        yield from _key_checks(source, at, webhooks, keys)
    if kind == "salesforce" and webhooks.secret and not ADDRESS.fullmatch(webhooks.secret.get_secret_value()):
        yield source.mistake((*at, "secret"), "does not fit into an address", "use letters, digits, - and _ only, some 40 of them")


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of one kind of part. **Shapes** `name`: of the kind; `needed`: each must be there; `more`: each may be there."""

    name: str
    needed: tuple[str, ...]
    more: tuple[str, ...]


def _key_checks(source: Source, at: NodePath, part: PortalPart, keys: _Keys) -> Iterator[Mistake]:
    """Every key that is needed, and none that means nothing here."""
    for key in keys.needed:
        if getattr(part, key) is None:
            yield source.mistake(at, f"{key!r} is missing", f"{keys.name} needs {', '.join(keys.needed)}", at_key=True)
    for key in source.at(at):
        if key not in (*keys.needed, *keys.more):
            yield source.mistake((*at, key), f"{keys.name} has no {key!r}", "leave it out", at_key=True)


def _tier_checks(portal: Portal) -> Iterator[Mistake]:
    source = portal.source
    for key in ("display_label", "account_type_value"):
        if portal.two_tier and getattr(portal.second_partner, key) is None:
            remedy = f"add {key} to second_partner"
            yield source.mistake(("second_partner",), f"two_tier needs second_partner.{key}", remedy, at_key=True)
    if not portal.two_tier and "distributor" in portal.deals.approvals:
        yield source.mistake(("deals", "approvals"), "a portal without two_tier has no distributor track", "write [vendor]")
    values = portal.account_type_values
    for kind, value in values.items():
        others = [other for other in values if values[other] == value and other != kind]
        if others:
            what = f"{value!r} stands for {' and '.join([kind, *others])}"
            yield source.mistake((kind, "account_type_value"), what, "each account type needs a spelling of its own")


def association_checks(portal: Portal) -> Iterator[Mistake]:
    """What is wrong with how associations come about, beyond what each key alone says."""
    settings, source = portal.associations, portal.source
    odd = "rules" if settings.mode == "contracts" else "contract_values"
    if getattr(settings, odd):
        what = f"{odd} have no effect in {settings.mode} mode"
        yield source.mistake(("associations", odd), what, f"remove them, or set mode: {_MODE_OF[odd]}", at_key=True)
    if settings.mode == "rules" and not settings.rules:
        remedy = "add rules: [{name: same-country, match: [country]}], or set mode: contracts"
        yield source.mistake(("associations", "mode"), "rules mode without rules associates no companies", remedy)
    names = [rule.name for rule in settings.rules]
    for index, rule in enumerate(settings.rules):
        at: NodePath = ("associations", "rules", index)
        if rule.name in names[:index]:
            yield source.mistake((*at, "name"), f"two rules are named {rule.name!r}", "give each its own name")
        if not (rule.partner or rule.second_partner or rule.match):
            yield source.mistake(at, f"the rule {rule.name!r} has no condition", "add partner, second_partner or match")
        for side in ("partner", "second_partner"):
            for field, values in getattr(rule, side).items():
                if not values:
                    yield source.mistake((*at, side, field), "lists no value", "a rule with an empty list never holds")


def _deal_checks(portal: Portal) -> Iterator[Mistake]:
    records = DEAL_RECORDS[portal.crm.kind]
    if portal.deals.record not in records:
        what = f"{portal.source.at(('crm', 'kind'))} has no {portal.deals.record!r} record"
        yield portal.source.mistake(("deals", "record"), what, choose_from(portal.deals.record, records))
    if not portal.deals.approvals:
        yield portal.source.mistake(("deals", "approvals"), "lists no track", "write [distributor], [vendor] or [distributor, vendor]")
    known = portal.deals.types
    for name in portal.deals.registration_period.types:
        if known and name not in known:
            at: NodePath = ("deals", "registration_period", "types", name)
            yield portal.source.mistake(at, f"deals.types has no type {name!r}", choose_from(name, known), at_key=True)


def _budget_checks(portal: Portal) -> Iterator[Mistake]:
    reserve = portal.crm.api_budget.reserve
    total = reserve.live + reserve.backfill + reserve.operator
    if total > 100:
        at: NodePath = ("crm", "api_budget", "reserve")
        yield portal.source.mistake(at, f"the shares add up to {total}%", "keep live + backfill + operator within 100%")


def _feed_checks(portal: Portal) -> Iterator[Mistake]:
    settings, source = portal.feed, portal.source
    if settings is None:
        return
    for place, kind in enumerate(settings.events):
        if kind not in KINDS:
            written = source.at(("feed", "events", place))
            yield source.mistake(("feed", "events", place), f"there is no event {written!r}", choose_from(written, tuple(KINDS)))
    if settings.keep_s < LEAST_KEPT_S:
        yield source.mistake(("feed", "keep"), "keeps events for a shorter time than they are tried (five days)", "write 7d or more")
    for key, secret in (("secret", settings.secret), ("previous_secret", settings.previous_secret)):
        if secret and not _is_signing_secret(secret.get_secret_value()):
            remedy = "whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)"
            yield source.mistake(("feed", key), "is not a secret of Standard Webhooks", remedy)
    if settings.previous_secret == settings.secret and settings.secret.get_secret_value() != UNSET:
        remedy = "put the new one into feed.secret, and the one before into feed.previous_secret"
        yield source.mistake(("feed", "previous_secret"), "is the same secret as feed.secret", remedy)


def _retention_checks(portal: Portal) -> Iterator[Mistake]:
    for name, kept in Retention.model_fields.items():
        if kept.alias and getattr(portal.retention, name) < LEAST_KEPT_S:
            yield portal.source.mistake(("retention", kept.alias), "is less than a week", "write 7d or more")


def _mail_checks(portal: Portal) -> Iterator[Mistake]:
    settings, source = portal.mail, portal.source
    for place, name in enumerate(settings.notices):
        if name not in set(Topic):
            what = f"there is no notice {name!r}"
            yield source.mistake(("mail", "notices", place), what, choose_from(name, tuple(notice.value for notice in Topic)))
    if settings.deal_url is not None and not re.fullmatch(r"https?://\S*\{id\}\S*", settings.deal_url):
        remedy = "write a whole address, with {id} where the deal's id stands: https://portal.example.com/deals/{id}"
        yield source.mistake(("mail", "deal_url"), "does not lead to a deal", remedy)


def _is_signing_secret(value: str) -> bool:
    if value == UNSET:
        return True  # said already
    try:
        return value.startswith("whsec_") and 24 <= len(b64decode(value.removeprefix("whsec_"), validate=True)) <= 64
    except ValueError:
        return False


_MODE_OF = {"rules": "rules", "contract_values": "contracts"}
_CHECKS: tuple[Callable[[Portal], Iterator[Mistake]], ...] = (
    _auth_checks,
    _webhook_checks,
    _tier_checks,
    association_checks,
    _deal_checks,
    _budget_checks,
    _feed_checks,
    _mail_checks,
    _retention_checks,
)
