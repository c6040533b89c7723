"""The feed, as the OpenAPI document shows it.

events.py       one webhook for each type of event
feed_shapes.py  what an event says
"""
