"""The addresses that clients ask.

rows             one record                          collections      up to 200 records in one call
composite        several requests in one             composite_refs   the answer of one part in another
describe         metadata                            limits           the answer of /limits
replication      ids that changed in a stretch of time
bulk             jobs                                tooling          custom fields
not_imitated     what the vendor has, and the sandbox does not
login            /services/oauth2, SOAP login()      lead_mapping     how leads convert
"""
