"""The verbs, one file each: read through the port and the store, let `domain` decide, commit. No SQL, no vendor, no queue.

A step returns what it did and whom to wake; the actor (or the command line) sends that after the commit.
"""
