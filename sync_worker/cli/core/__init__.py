"""What every command needs.

command.py   arguments, the portal opened and closed, a stop, a paused portal, a refusal
output.py    what is printed: tables or JSON
news.py      what a command opened, and where that is listed
mistakes.py  mistakes in files, with the line and a caret
"""
