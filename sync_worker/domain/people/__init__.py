"""What each person of a portal may see.

visibility.py  the policy table: who sees which deals, and for which company a person may act
"""
