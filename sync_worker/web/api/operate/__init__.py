"""Addresses of an operator.

operate.py         /conflicts, /feed
failures.py        /failures: looked at, previewed, tried again, discarded, released
replays.py         /replays: how each one goes, how it ended, and its stop
status.py          /operate/status
runs.py            /operate/runs
inquiries.py       /operate/check, /operate/plan, /operate/compare, /operate/repair, and their answers
brake.py           /operate/brake
halts.py           /operate/pause, /operate/resume
acts.py            how an act is answered, and what it waits for
operate_shapes.py  bodies of conflicts, replays and events
failure_shapes.py  bodies about failures
inquiry_shapes.py  bodies about inquiries and the brake
halt_shapes.py     bodies about runs, and about a portal that a person pauses
status_shapes.py   bodies of the status
"""
