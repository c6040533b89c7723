"""Tells the portal and its people what has changed.

notify.py   writes notifications and mails of a change in the commit of that change
crowds.py   who may have to do with some deals, and what they are called
deliver.py  sends events to the portal's receiver: signed, in order for each record
mail.py     sends the mails that wait
withhold.py  which of them are not sent, because the person is inactive by now or may not see the deal any more
notifications.py  what a person was told, as the portal shows it; read and unread
remind.py   once a day: registrations that end soon, approvals that wait
stages.py   what the CRM calls its sales stages
journeys/   mails that the vendor makes up: kept, and sent in the commit of a change
by_hand.py  what a person does with the feed and the mail
paper.py    a quote as a document, for those who may see it
"""
