"""The addresses that clients ask.

objects          one record, or a page of them       batch            a hundred records at once
search           a search                            properties       what records look like
associations     who is with whom                    labels           the labels of associations
account          owners, pipelines, record types, the account
old_properties   what records look like, as versions 1 and 2 tell it
login            /oauth                              push             /webhooks/v3/{appId}
"""
