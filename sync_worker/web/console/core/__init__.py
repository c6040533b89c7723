"""What all pages of the console share.

door.py        whose session it is, which portal, and whether a change was asked for on a page of ours
route.py       the one way in and out: headers of every answer, and a page for whatever is refused
away.py        why a page is not shown
named.py       the company and the moment that an address or a form names
lists.py       several values in one field of a form
halted.py      what a page says that would ask the CRM of a paused portal
pages.py       templates, and how a page shows news by itself
entrance.py    the link that opens the console, and the way out
login.py       the log-in with the company's account
pictures/      pictures of numbers, as SVG
layout.html    the frame of every page
out.html       the page after the log-out
macros.html    what several pages show: times, tables, hidden fields
console.css    how it looks, in both colour schemes
console.js     shows news without a reload
"""
