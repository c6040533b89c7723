"""What users are told, and the feed as the OpenAPI document shows it.

events.py       one webhook for each type of event
feed_shapes.py  what an event says
notifications.py  /users/{id}/notifications, …/unread, …/read
notification_shapes.py  what stands in their bodies
"""
