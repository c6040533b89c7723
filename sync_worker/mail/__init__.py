"""Mail to people: a letter made of templates (`letter.py`), and the way to an SMTP server (`smtp.py`).

`domain/tell/notification.py` decides who gets which mail. What waits to be sent is in `store/tell/mails.py`; `steps/tell/mail.py` sends it.
"""
