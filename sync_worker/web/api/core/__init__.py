"""What every address needs.

route.py           the router of every file; it makes a problem of each refusal and error
authentication.py  whose token it is, with which scope, and which person acts
once.py            the same request again gets the first answer
paging.py          lists in pages, the same way everywhere
references.py      which company a request names
visibility.py      what a request may show
views.py           a deal as one person may see it
shapes.py          what bodies are made of: texts, money, pages of lists
deal_shape.py      a deal as it is answered
conditions.py      conditions in bodies, and what is wrong with them
codes.py           texts with a known list of values
mistakes.py        what is wrong with the shape of a request, in our words
problems.py        every refusal and every error as `application/problem+json`
follow_up.py       what a commit made due, told to the workers
document.py        the OpenAPI document
"""
