"""What a distributor does for the partners below it.

subgroup.py    a partner company under exactly one distributor
parenthood.py  a subgroup's deal names its distributor, and keeps it
terms.py       terms of two companies: who may register deals under whom, and at which discount
upload.py      which files a person may upload
"""
