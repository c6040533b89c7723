"""What the portal and its people hear of a change.

event.py         which change makes which event, and what an event says
delivery.py      how the feed goes on after an answer of the portal's receiver
notification.py  which person gets which mail about a change
"""
