"""Records are written, and an account is set up.

writer.py  writes records, 100 a call
admin.py   makes properties, options and labels
"""
