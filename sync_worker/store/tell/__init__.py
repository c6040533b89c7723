"""What is still owed to the portal's receiver and to mail boxes, and what people are shown.

deliveries.py     how far the feed is delivered, who sends it, how the receiver stands
mails.py          mails to be sent, one row for each event and person
notifications.py  what each person is shown, read or not, one row for each event and person
journeys.py       journeys and their versions
journey_log.py    whom a journey told, whom not, and why
tables.py         the tables of this folder
"""
