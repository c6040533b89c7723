"""Controls over what an account may do: its limits, and its admin's validation rules."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.hubspot.controls.route import control_route
from crm_sandbox.hubspot.data.validation import PropertyRule
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.routing import json_object

Body = dict[str, Any]
_LIMITS = ("ten_secondly", "ten_secondly_oauth", "daily", "secondly")


class RuleControls:
    """`/__sandbox__/limit` and `validation_rules`."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def limits(self, request: Request) -> Body:
        """`{"enforce": true}` for the vendor's numbers of the account's tier, or any of `_LIMITS`; `used`: of the day."""
        limits = self._state.limits
        body = await json_object(request) if request.method == "POST" else {}
        if unknown := sorted(set(body) - {*_LIMITS, "enforce", "used"}):
            raise ValueError(f"unknown keys {unknown}; known are {[*_LIMITS, 'enforce', 'used']}")
        if body.get("enforce"):
            limits.enforce(self._state.portal.tier)
        for name in _LIMITS:
            setattr(limits, name, int(body.get(name, getattr(limits, name))))
        if "used" in body:
            limits.use(int(body["used"]), self._state.clock.now())
        return {name: getattr(limits, name) for name in _LIMITS} | {"used": limits.used_today}

    async def add_rule(self, request: Request) -> list[Body]:
        """A rule by the keys of `validation.Rule`: `object`, `field`, `op`, `value`, `message`, `error`, `on`, `when`."""
        body, portal = await json_object(request), self._state.portal
        kind = portal.shelf(str(body["object"])).type
        rule = PropertyRule(**{**body, "object": kind.name})
        if unknown := [name for name in (rule.field, *rule.when) if name not in kind.properties]:
            raise ValueError(f"{kind.name} have no properties {unknown}")
        portal.rules.append(rule)
        return await self.list_rules(request)

    async def list_rules(self, _: Request) -> list[Body]:
        """The validation rules in force."""
        names = ("object", "field", "op", "value", "message", "error", "on", "when")
        return [{name: getattr(rule, name) for name in names} for rule in self._state.portal.rules]

    async def drop_rules(self, _: Request) -> list[Body]:
        """No validation rules any more."""
        self._state.portal.rules.clear()
        return []


def rule_controls(state: HubspotState) -> list[Route]:
    """The routes of these controls."""
    controls = RuleControls(state)
    return [
        control_route("/limit", GET=controls.limits, POST=controls.limits),
        control_route("/validation_rules", GET=controls.list_rules, POST=controls.add_rule, DELETE=controls.drop_rules),
    ]
