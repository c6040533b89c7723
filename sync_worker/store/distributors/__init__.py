"""What belongs to a pair of companies.

subgroups.py   which company is under which parent, now and before
terms.py       terms of a pair, each change a row
agreements.py  signed agreements of a pair, each version a row
waivers.py     deals of subgroups that need not name their distributor
pairs.py       what a pair keeps when one of its companies was merged into another
tables.py      the tables of this folder
"""
