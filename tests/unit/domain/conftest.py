"""Laws are about answers, not about how busy the machine is: no deadline per example, and a seed is printed with every failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("laws", deadline=None, print_blob=True)
settings.load_profile("laws")
