"""For people who watch. The errors are in `errors.py`, and what the database and the queue know in `gauges.py`.

logs.py         the log
metrics.py      what a process counts
correlation.py  which request a piece of work began with
"""
