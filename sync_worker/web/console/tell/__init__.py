"""Screens about what the portal and its people are told.

feed.py      the events that the portal's receiver is owed: told again, paused, tried
mail.py      letters: what waits, what was sent, what failed; and a letter to try
journeys.py  journeys: which there are, one of them, whom a new one would reach, on and off
"""
