"""A story lived without a crash, and with a crash at one of its points; and what is different in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.crashes.databases import Database
from tests.crashes.footprints import CommittedRows, footprint
from tests.crashes.picture import Picture, differences, picture
from tests.crashes.points import Point, PointGate
from tests.crashes.scene import Beginning, Scene, set_for
from tests.crashes.schedule import look, settle
from tests.crashes.story import Story
from tests.simulation.gate import Blow, Crash, Gate
from tests.simulation.people import enter_beginning
from tests.simulation.rest import Unsettled
from tests.simulation.rules import RULES, AtRest, broken

SOME_LOOKS = 3
PAST_S = 700  # longer than every claim and every lease, so that the next process may take what the dead one held


@dataclass
class Stage:
    """A story whose beginning was lived on one CRM and one database.

    **Shapes** `points`: where a worker can die in it; `ending`: how it ends without a crash; `wrong`: rules that are broken even then.
    """

    story: Story
    scene: Scene
    beginning: Beginning
    points: tuple[Point, ...]
    ending: Picture
    wrong: tuple[str, ...]

    @property
    def different_points(self) -> list[Point]:
        """The first of the points that leave the same world to the next process."""
        return list({point.changes: point for point in reversed(self.points)}.values())[::-1]

    def crashed(self, at: int, *, is_thorough: bool = False) -> list[str]:
        """What is different in the end where a worker dies at this point; nothing where all is well.

        The first look of the schedule that leads to the known ending is the last; a thorough run goes on until a look costs nothing.
        """
        scene = self.scene
        scene.put_back(self.beginning)
        gate = Gate(scene.world.time)
        gate.arm([Blow(at)])
        scene.process(gate)
        _act(scene, self.story)
        assert gate.is_dead, f"the story passed {gate.passed} points, and never number {at}"
        is_at_rest = is_thorough or not self._ends_after_some_looks()
        try:
            if is_at_rest:
                settle(scene)
        except Unsettled as error:
            return [str(error)]
        found = differences(self.ending, picture(scene)) if is_at_rest else ()
        return [*found, *self._broken(is_at_rest=is_at_rest)]

    def _ends_after_some_looks(self) -> bool:
        for _ in range(SOME_LOOKS):
            look(self.scene)
            if not any(differences(self.ending, picture(self.scene))):
                return True
        return False

    def _broken(self, *, is_at_rest: bool) -> Iterable[str]:
        """The end-state rules that do not hold; the eighth is about rest."""
        if not self.story.is_judged:
            return ()
        if is_at_rest:
            return broken(self.scene.world)
        here = AtRest(self.scene.world)
        return [f"rule {number}: {words}" for number, check in RULES for words in check(here)]


def told(stage: Stage, crm: str, at: int, *, is_thorough: bool = False) -> str:
    """What is different in the end after a crash at this point, and how to see it again; "" where all is well."""
    found = stage.crashed(at, is_thorough=is_thorough)
    if not found:
        return ""
    database = stage.scene.database.name
    again = f"python -m tests.crashes --story {stage.story.name} --crm {crm} --database {database} --point {at}"
    trail = "\n".join(stage.scene.world.trail)
    different = "\n".join(found)
    return f"{stage.story.name} on {crm}, a crash {stage.points[at - 1]}\nrun it again: {again}\n{trail}\n{different}"


@contextmanager
def staged(story: Story, crm: str, database: Database) -> Iterator[Stage]:
    """The story's beginning, and its end without a crash."""
    with set_for(story, crm, database) as scene:
        for record in scene.desk.deal_records:
            for native in scene.world.records(record):
                enter_beginning(scene.world, native)
        for act in story.begins:
            act(scene)
        beginning = scene.keep()
        scene.put_back(beginning)
        points = _points(scene, story)
        settle(scene)
        ending = picture(scene)
        wrong = tuple(broken(scene.world)) if story.is_judged else ()
        yield Stage(story, scene, beginning, points, ending, wrong)


def _points(scene: Scene, story: Story) -> tuple[Point, ...]:
    """The points of the acts; what follows by itself has stories of its own."""
    rows = CommittedRows()
    gate = PointGate(scene.world.time, outside=lambda: footprint(scene, rows))
    with rows.counting(scene.process(gate).store):
        _act(scene, story)
    assert rows.count, "no commit was seen to write a row: points that differ would be taken for one"
    return tuple(gate.points)


def _act(scene: Scene, story: Story) -> None:
    """Each act; one that a process dies in is done again by the next process."""
    for act in story.acts:
        try:
            act(scene)
        except Crash:
            scene.world.say("CRASH")
            scene.process()
            scene.world.time.forward(PAST_S)
            act(scene)
