"""What the portal and its people hear of a change.

event.py         which change makes which event, and what an event says
delivery.py      how the feed goes on after an answer of the portal's receiver
notification.py  what a change of a deal is news of, and for whom: the policy table
recipients.py    the people that the policy means, each of them once
journeys/        mails that the vendor makes up
wording.py       labels, why a person is told, and a line for the bell
"""
