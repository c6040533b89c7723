"""Records are written, and an org is set up.

writer.py         writes records, 200 a call
admin.py          makes fields, list values and rights
custom_fields.py  a wish as a custom field's metadata
lead_mapping.py   how leads become opportunities
"""
