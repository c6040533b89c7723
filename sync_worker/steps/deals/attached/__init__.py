"""What people attach to a deal. Whether a person sees the deal is asked by the caller, in the same transaction.

notes.py   a person writes a note on a deal, or changes it
files.py   a person adds a file to a deal
either.py  what notes and files have in common: how many a deal takes, what the portal is told, and how one is removed
"""
