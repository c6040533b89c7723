"""What users are told, the feed as the OpenAPI document shows it, and journeys.

events.py       one webhook for each type of event
feed_shapes.py  what an event says
notifications.py  /users/{id}/notifications, …/unread, …/read
notification_shapes.py  what stands in their bodies
journeys.py     journeys: kept, tried on a deal, their log and held mails
journey_shapes.py  journeys in bodies
"""
