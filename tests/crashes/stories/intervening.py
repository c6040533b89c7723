"""Stories of an operator: what failed is tried again, a mass change is held and let go, a check is asked for, a CRM is set up."""

from __future__ import annotations

from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.steps.associations.rebind import rebind
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.inquire import inquire
from sync_worker.steps.operate.intervene import begin_release, begin_replay
from sync_worker.steps.operate.setup.provision import carry_out, planned
from sync_worker.store.core import companies, failures
from sync_worker.store.core.failures import FailureFilter, FailureRow
from tests.crashes import acts
from tests.crashes.acts import SOME_S, changes, edits_company, passes, reads, works
from tests.crashes.scene import Scene
from tests.crashes.schedule import settle
from tests.crashes.story import Act, Story
from tests.simulation.fast.builder import FastSchema
from tests.simulation.fast.writing import ROW_REFUSED
from tests.simulation.world import PORTAL

MASS = ("Alder", "Birch", "Cedar")
UNKNOWN = "Zenith Supply"


def _native(scene: Scene, record: str, name: str) -> str:
    return scene.desk.mapping.records[record].fields[name].native


def holds(amount: object, *, is_seen: bool) -> Act:
    """The CRM's deal has that amount, whatever it is; a poll sees it, or does not."""

    def act(scene: Scene) -> None:
        deal = acts.deal_native(scene, "First 0")
        row = scene.desk.vendor.record(deal.id)
        row.fields[_native(scene, deal.record, "amount")] = amount
        if is_seen:
            scene.desk.vendor._touch(row, by_us=False)

    return act


def asks_replay(scene: Scene) -> None:
    """An operator has everything that failed tried again; the workers do it."""
    begin_replay(scene.tenant, _open(scene), selection="all", actor="Olga", is_queued=True)


def asks_release(scene: Scene) -> None:
    """An operator lets pass what the brake holds; the workers do it."""
    for row in _open(scene, "held_for_review"):
        begin_release(scene.tenant, row, actor="Olga", reason="it is meant")


def _open(scene: Scene, code: str = "") -> list[FailureRow]:
    with scene.world.store.reading(PORTAL) as tx:
        return failures.listed(tx, FailureFilter(code=code) if code else FailureFilter())


def asks(kind: InquiryKind) -> Act:
    return lambda scene: inquire(scene.tenant, kind, actor="Olga")


def lacks_fields(scene: Scene) -> None:
    """The org has not all fields of ours yet, and one list lacks a value."""
    schema, (company, *_) = scene.desk.vendor.schema, scene.desk.mapping.records.values()
    schema.hide(company.native, company.key_field)
    schema.hide(company.native, company.fields["portal_status"].native)
    schema.take(company.native, company.fields["account_type"].native, 0.0, is_deleted=True)


def provisions(scene: Scene) -> None:
    schema = FastSchema(scene.tenant.crm)  # type: ignore[arg-type]  # this process's, in memory
    carry_out(scene.tenant, schema, planned(scene.tenant, schema).tasks)


def shows_fields(scene: Scene) -> None:
    scene.desk.vendor.schema.show()


def names_unknown(scene: Scene) -> None:
    """A partner's record holds a value, and no company has that name."""
    row = scene.desk.vendor.record(acts.named(scene, COMPANY, "Birch").id)
    native = _native(scene, COMPANY, "second_partners")
    row.fields[native] = f"Arrow;{UNKNOWN}"
    scene.desk.vendor._touch(row, by_us=False)


def rebinds(scene: Scene) -> None:
    """A person says for which company a value stands."""
    with scene.world.store.reading(PORTAL) as tx:
        bolt = companies.find(tx, "Bolt")
    assert bolt
    rebind(scene.tenant, UNKNOWN, bolt, actor="Olga", reason="the old name")


INTERVENING = (
    Story(
        "replay",
        "an operator has a record that could not be read, and a write that was refused, tried again",
        (
            settle,
            holds("many", is_seen=True),
            changes("First 1", licence_count="9"),
            passes(SOME_S),
            reads(),
            acts.meets(ROW_REFUSED),
            works(Work.PUSH),
            holds(77.5, is_seen=False),
        ),
        (asks_replay, works(Work.REPLAY)),
        is_judged=False,
    ),
    Story(
        "brake-held",
        "a mass change of the CRM is held",
        (settle, *(edits_company(name, portal_status="inactive") for name in MASS), passes(SOME_S)),
        (reads(),),
        few_count=0,
        is_judged=False,
    ),
    Story(
        "brake-released",
        "an operator lets a mass change pass",
        (settle, *(edits_company(name, portal_status="inactive") for name in MASS), passes(SOME_S), reads()),
        (asks_release, works(Work.REPLAY)),
        page_count=10,
        chunk_count=10,
        few_count=0,
        is_judged=False,
    ),
    Story("check", "an operator asks for a check of the CRM", (settle, asks(InquiryKind.CHECK)), (works(Work.INQUIRE, InquiryKind.CHECK),)),
    Story(
        "provision", "fields and list values are made in the CRM", (lacks_fields,), (provisions, reads(deals_too=False)), is_judged=False
    ),
    Story(
        "rest",
        "a field is hidden from the worker, and shown again",
        (
            settle,
            acts.hides(COMPANY, "portal_status"),
            edits_company("Birch", name="Birch and Sons"),
            passes(86_400 + SOME_S),
            reads(),
            shows_fields,
        ),
        (reads(),),
        is_judged=False,
    ),
    Story(
        "rebind",
        "a person says for which company a contract value stands",
        (settle, names_unknown, passes(SOME_S), reads()),
        (rebinds, works(Work.DERIVE)),
        is_judged=False,
    ),
)
