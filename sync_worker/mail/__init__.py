"""Mail to people. Who gets which mail is decided in `domain/tell/notification.py`; what waits stands in `store/tell/mails.py`.

letter.py  one mail: subject, text and HTML, made of templates
post.py    one portal's server, templates and sender
smtp.py    the way to an SMTP server
"""
