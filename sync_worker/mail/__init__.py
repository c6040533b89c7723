"""Mail to people: a letter made of templates (`letter.py`), and the way to an SMTP server (`smtp.py`).

Whom to write to, and of what, is decided in `domain/tell/notification.py`; what waits to be sent is in `store/tell/mails.py`; `steps/tell/mail.py` sends.
"""
