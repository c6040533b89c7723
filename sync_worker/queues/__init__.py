"""The queue of messages to the workers, in one of two places. A message is only a hint: the database knows what is due.

local.py     inside one process
shared.py    in Redis, for processes side by side
"""
