"""What comes from outside, and what goes there, made safe.

text.py       what no database can hold is replaced
deadline.py   a whole answer comes before a deadline
adapter.py    the same for requests
headers.py    what an answer's headers say of time and of numbers
tokens.py     API tokens as text
sealing.py    secrets that the database keeps, sealed
silence.py    a call that failed, in words: which host, which status, what became of the connection
redaction.py  secrets are masked in errors and in the log
"""
