"""A portal's ways out, made of its file: to its CRM, one connection for each thread that calls, and to the receiver of its feed.

Where a variable is not set, the way is there and leads nowhere: its first call names the variable, and nothing goes out.

connect.py     which way a portal has
salesforce.py  to Salesforce
hubspot.py     to HubSpot
consent.py     a person's consent: the vendor's page, and which account is the portal's
terms.py       what both are made with
"""
