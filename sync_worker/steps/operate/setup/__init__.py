"""Is the CRM ready for the portal? Nothing here is stored in our database.

check.py         what the CRM lacks, and what is wrong with its data
survey.py        what the CRM has and lacks, read once for `check` and `provision`
provision.py     makes what the CRM lacks; tells an admin the rest
company_data.py  companies in the CRM that we cannot use as they are
deal_data.py     deals in the CRM with values that the mapping cannot read, and their keys
key_data.py      our keys in the CRM: foreign, shared by two records, or lost by our database
specimen.py      one record of the CRM, to try a mapping on
"""
