"""What came to be drawn after seeds had been found: after each event there is perhaps one of these, and the event stays what it was."""

from __future__ import annotations

from tests.simulation import admin, distributors, edges, letters
from tests.simulation.actions import Chance, drawn
from tests.simulation.world import World

PEOPLE_COME, LETTERS_GO = "people come whom letters go to", "letters are sent"
FURTHER_SHARE = 0.2  # of the events

FURTHER: tuple[Chance, ...] = (
    Chance(2, "an edit falls between the ends of two polls", edges.falls_between_polls),
    Chance(2, "an edit is seen later than a poll ends", edges.shows_late),
    Chance(2, "a reader dies between two commits of old records", edges.dies_between_commits),
    Chance(2, "both sides edit a deal while a reader has it", edges.is_written_meanwhile),
    Chance(2, "a deal is edited while it is written", edges.is_edited_while_written),
    Chance(2, "a write that was given up lands after the next one", edges.lands_last),
    Chance(2, "a field gets another type", admin.retypes_field),
    Chance(2, PEOPLE_COME, letters.comes),
    Chance(5, LETTERS_GO, letters.sends),
    Chance(3, "a distributor makes a subgroup", distributors.makes_subgroup),
    Chance(1, "a partner comes under a distributor", distributors.promotes_company),
    Chance(2, "a subgroup is renamed in the portal", distributors.renames_subgroup),
    Chance(1, "a subgroup is let go", distributors.lets_go_subgroup),
    Chance(1, "terms are set", distributors.sets_terms),
    Chance(2, "an agreement is put on file", distributors.files_agreement),
)
WITHOUT_MAIL = tuple(chance for chance in FURTHER if chance.words not in (PEOPLE_COME, LETTERS_GO))


def happens_further(world: World) -> None:
    """In memory alone."""
    if world.desk.schema is None or world.further_dice.random() >= FURTHER_SHARE:
        return
    world.dice = world.further_dice
    chance = drawn(world, FURTHER if world.setting.has_mail else WITHOUT_MAIL)
    world.happened[chance.words] += 1
    world.say(f"{chance.words}:")
    chance.act(world)
