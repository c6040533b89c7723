"""HubSpot behind `crm/port.py`. A folder imports only folders above it in this list.

connection/    one account, what every request goes through, and what each answer means
associations/  companies of a deal, read and written as fields
reading/       records by search, by list or by id, and what a record type looks like
writing/       records are written; properties, options and labels are made
adapter.py     the port: joins these folders
"""
