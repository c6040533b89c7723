"""Journeys at work.

words.py     what journeys of a portal can name
standing.py  which journeys there are: those that the API keeps, and those of files
scenes.py    deals with all that journeys ask of them
send.py      in the commit of a change: who gets which mail, and the log of it
preview.py   the same for a deal at hand, without sending anything
keep.py      a person saves, switches and deletes journeys
reach.py     how many users a journey could reach
hold.py      mails that wait for a person: released or discarded
"""
