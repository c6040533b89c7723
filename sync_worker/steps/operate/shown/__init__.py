"""What an operator is shown of something that waits for a person, from what is stored.

both_sides.py  the record of a failure, on both sides; and what its deal is called
held.py        what the brake holds, and what would go
"""
