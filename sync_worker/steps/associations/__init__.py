"""Keeps the associations of a portal right when companies, rules or the mode change.

associate.py         what changed companies mean for associations; whom a company may work with
contract_values.py   CONTRACTS: values on partners' records are bound to companies, or reported
rule_members.py      RULES: which parts of rules a changed company holds
evaluate.py          edited rules are applied to all companies, page by page
mode.py              an operator changes the portal's mode: contracts or rules
rebind.py            a person says which company a contract value stands for
changed_pairs.py     which associations began and which ended
restored_parents.py  after a lost database: whose subgroup a company was
"""
