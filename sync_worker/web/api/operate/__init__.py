"""Addresses of an operator.

operate.py         /conflicts, /failures, /feed
replays.py         /replays: how each one goes, and how it ended
status.py          /operate/status
operate_shapes.py  bodies of conflicts, failures and events
status_shapes.py   bodies of the status
"""
