"""What an admin of the CRM does: imports; and in memory alone, fields are hidden and shown again, lists get and lose values."""

from __future__ import annotations

from functools import partial

from sync_worker.mapping.catalog import FieldType
from tests.simulation import mappings
from tests.simulation.fast.desks import vendor_of
from tests.simulation.people import is_of_ours, write_deal
from tests.simulation.world import World

HIDDEN, SHOWN = "a field is hidden", "hidden fields are shown again"
ADDED, DEACTIVATED, DELETED = "a list gets a new value", "a value of a list is deactivated", "a value of a list is deleted"
CLOSED_LISTS = ("deal_type", "billing_cycle")
RETYPED: tuple[tuple[str, FieldType, FieldType], ...] = (("licence_count", "number", "text"), ("expires_on", "date", "datetime"))
FIELDS = (("company", "region"), ("company", "tier"), ("deal", "licence_count"), ("deal", "billing_cycle"), ("deal", "expires_on"))


def hides_field(world: World) -> None:
    """The worker's user may not see a field any more."""
    kind, name = world.dice.choice(FIELDS)
    record = kind if kind == "company" else world.dice.choice(world.desk.deal_records)
    native = world.mapping.records[record].fields[name].native
    if world.desk.schema and world.desk.schema.hide(world.desk.native(record), native):
        world.happened[HIDDEN] += 1
        world.say(f"admin: {record}.{native} is hidden")


def shows_fields(world: World) -> None:
    """It sees all of them again; no stamp moves."""
    if world.desk.schema and world.desk.schema.show():
        world.happened[SHOWN] += 1
        world.say("admin: what was hidden is shown")


def adds_value(world: World) -> None:
    """A stage is new, and a person puts a deal there at once."""
    record = world.dice.choice(world.desk.deal_records)
    stage, native = f"Stage {world.number()}", world.mapping.records[record].fields["stage"].native
    found = world.live(record)
    if found and world.desk.schema:
        world.desk.schema.add(world.desk.native(record), native, [stage])
        world.happened[ADDED] += 1
        write_deal(world, world.dice.choice(found), {native: stage})


def takes_value(world: World) -> None:
    """A value may not be chosen any more; records keep it."""
    record, name = world.dice.choice(world.desk.deal_records), world.dice.choice(CLOSED_LISTS)
    native, is_deleted = world.mapping.records[record].fields[name].native, world.dice.random() < 0.5
    if not world.desk.schema:
        return
    if value := world.desk.schema.take(world.desk.native(record), native, world.dice.random(), is_deleted=is_deleted):
        world.happened[DELETED if is_deleted else DEACTIVATED] += 1
        world.say(f"admin: {record}.{native} has no {value} any more, {is_deleted=}")


def retypes_field(world: World) -> None:
    """A field of deals gets another type, or its first one again. Its values are spelled otherwise, and no stamp moves."""
    record = world.dice.choice(world.desk.deal_records)
    name, first, other = world.dice.choice(RETYPED)
    native, field = world.desk.native(record), world.mapping.records[record].fields[name].native
    vendor = vendor_of(world)
    vendor.retype(native, field, other if vendor.schema.fields(native)[field].type == first else first)
    known = {one.native: vendor.schema.whole(one.native) for one in world.mapping.records.values()}
    world.desk.mapping = mappings.compiled(world.grammar, world.portal, known)
    world.say(f"admin: {record}.{field} is {vendor.schema.fields(native)[field].type}")


def imports(world: World) -> None:
    """One moment is the stamp of more records than a page holds."""
    imports_into(world, world.dice.choice(("company", *world.desk.deal_records)))


def imports_into(world: World, record: str) -> None:
    """Each record of the type gets another value at this moment."""
    for native in world.live(record):
        if record == "company":
            fields = world.typed(record, {"region": world.dice.choice(world.desk.regions)})
            world.by_a_person(f"CRM: {native.id} {fields}", partial(world.desk.edit, native, fields))
        elif is_of_ours(world, native):
            write_deal(world, native, world.typed(record, {"licence_count": world.number()}))
