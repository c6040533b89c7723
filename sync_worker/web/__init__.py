"""HTTP: the portal's API, the operator's console, the CRMs' webhooks, health and metrics. No SQL, and no vendor's client library.

app.py        the application; any ASGI server can build it
health.py     whether a process can work, and the door of those that answer nothing else
server.py     the HTTP server of every process
limits.py     how many connections may be open, and how long each may wait
standards.py  what HTTP promises of every address: HEAD, Allow, 304
answers.py    headers that go with every answer
api/          what the portal asks
console/      pages for the operator, in a browser
webhooks/     what a CRM says has changed
"""
