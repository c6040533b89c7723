"""What each person of a portal may see, and the groups of people.

visibility.py  the policy table: who sees which deals, and for which company a person may act
attached.py    notes and files of a deal: limits, and who may change or remove them
console.py     who may open the console, and for how long
group.py       groups by conditions over companies: which companies match, who joins and who leaves
"""
