"""Journeys: mails that the vendor makes up, sent by themselves when a deal is registered or updated.

journey.py   what a journey is
tags.py      merge tags in its subject and body
mistakes.py  what is wrong with one that a person wrote
scene.py     a deal with all that journeys ask of it
ruling.py    whom it tells of one event, whom not, and why
limits.py    how many it may reach and send before a person has looked
"""
