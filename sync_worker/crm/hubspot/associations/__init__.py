"""HubSpot keeps the companies of a deal beside the deal. Here they are fields of it.

associations.py  labelled associations, read and written as fields
label_plan.py    which calls bring a deal's companies to what is wished
"""
