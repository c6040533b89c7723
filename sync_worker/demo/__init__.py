"""The demo: the whole story on the local CRMs, told for people and held to the same end on each of them.

    command.py    the command `sync-worker demo`    story.py     the chapters, and what must be true at the end
    crew.py       one portal's workers              pairs.py     every partner with every second partner, explained
    venues.py     the CRMs it can be told on        narrator.py  what is printed

It stands above the command line and uses the product as an operator does. It is the one package, with the command `sandbox`, that imports
`crm_sandbox`; both need the extra [sandbox].
"""
