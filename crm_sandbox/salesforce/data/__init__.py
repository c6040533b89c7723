"""What there is in the org, and what a write does.

org              records, clock, people and rules together; a reset begins them again
seed             a plausible org of any size         store            rows in an in-memory SQLite
records          what a write does                   values           what a write may say
references       a parent named by its key           lifecycle        undelete, merge, convert, empty the bin
access           which fields the user may see       locks            which rows a write locks, and who holds them
"""
