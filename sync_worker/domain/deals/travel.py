"""Which edits of a deal can still reach the CRM: by the way the mapping writes a field, and by what the deal's record there holds. Pure.

    the mapping says                     before the record is made      afterwards
    push or both, always or update       travels                        travels
    push or both, create                 travels                        only while registering
    push or both, once                   travels                        travels until the field was written or filled in the CRM
    pull                                 only in the CRM                only in the CRM
    the type it was registered as has it –                              this type has no place for it
    no record type has the field         stays in the portal, which is the only one that knows it

An edit that cannot travel is refused. If it were taken, the next read would undo it, or the two sides would differ for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sync_worker.domain.core.deal import Refusal, differing
from sync_worker.domain.core.move_context import Scene, guard
from sync_worker.domain.core.reconcile import Base, FieldRule


def before_record(rules: Mapping[str, FieldRule]) -> dict[str, Refusal]:
    """Why a field would not travel, by field, while the CRM has no record of the deal. **Shapes** `rules`: of the record to be made."""
    return {name: _only_read(name) for name, rule in rules.items() if rule.direction == "pull"}


def after_record(rules: Mapping[str, FieldRule], *, registered_with: Collection[str], base: Mapping[str, Base]) -> dict[str, Refusal]:
    """The same once the record was made, or is being made.

    **Shapes** `rules`: of the record type where the deal lives; `registered_with`: the fields of the type that deals are registered as.
    """
    written = {name: _only_at_first(name) for name, rule in rules.items() if _is_written(rule, base.get(name))}
    homeless = {name: _without_place(name) for name in set(registered_with) - rules.keys()}
    return {**written, **homeless, **before_record(rules)}


@guard("each changed field can still be written to the CRM")
def can_travel(scene: Scene) -> Refusal | None:
    return next((scene.stuck[name] for name in sorted(differing(scene.deal, scene.changes)) if name in scene.stuck), None)


def _is_written(rule: FieldRule, base: Base | None) -> bool:
    return rule.write == "create" or (rule.write == "once" and base is not None)


def _only_read(field: str) -> Refusal:
    who = "somebody in the CRM; or the mapping says `direction: both` for this field"
    return Refusal("only_in_crm", f"{field} can only be set in the CRM: the portal reads it", who, field=field)


def _only_at_first(field: str) -> Refusal:
    who = "somebody in the CRM; or the mapping says `write: always` for this field"
    return Refusal(
        "only_while_registering", f"{field} can only be set while registering: the worker writes it to the CRM only once", who, field=field
    )


def _without_place(field: str) -> Refusal:
    why = (
        f"{field} can only be set while registering: the record has become another type in the CRM, and that type does not have this field"
    )
    return Refusal("no_place_in_crm", why, "no user, unless the mapping names a field of that record type", field=field)
