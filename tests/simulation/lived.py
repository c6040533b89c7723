"""A story lived to its end, whatever it finds: a bug is a broken rule too."""

from __future__ import annotations

import traceback

from tests.simulation.simulate import Report, Story, simulate


def lived(story: Story) -> Report:
    """Its report; where an error escaped that is none of ours, that stands among the broken rules."""
    try:
        return simulate(story)
    except Exception as bug:  # noqa: BLE001  # whatever a seed finds, the next seed comes
        return Report(
            story,
            (f"bug: {type(bug).__name__}: {str(bug).splitlines()[0] if str(bug) else ''}",),
            tuple(traceback.format_exception(bug)),
            {},
        )
