"""Salesforce behind `crm/port.py`. A folder imports only folders above it in this list.

connection/  one log-in, what every request goes through, and what each answer means
reading/     records by pages or by a job, and what a record type looks like
writing/     records are written; fields, list values and rights are made
adapter.py   the port: joins these folders
"""
