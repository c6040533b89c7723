"""What a record owes the CRM, and what a write does when it fails.

late_write.py  a write of ours that the CRM commits after we stopped waiting for its answer
attempts.py    how often a write is tried, and how long it waits in between
breaker.py     a cause that keeps failing rests, until one try shows that it is gone
next_batch.py  which writes go in one call while other calls are in flight
outgoing.py    what a record owes the CRM: fields to write, nothing, or it waits for a person
unwritten.py   what becomes of a write that the CRM did not take: read back, tried again, or it waits for a person
"""
