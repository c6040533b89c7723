"""Which companies may work on a deal together, and why.

association.py  an association with all of its reasons; contracts, read from the partner's CRM field
rule.py         rules: conditions on company fields from which associations follow
rule_member.py  which company holds which part of a rule, and since when
"""
