"""A query's way.

queries          a query in pages, with locators
parser           text → tree                         grammar          what can be written
tree             what the tree is made of            literals         a literal → the value that is compared
names            a name → the column it means        date_words       TODAY, LAST_N_DAYS:30
sql              tree → SQL                          where            the conditions of it
result           rows as JSON has them
"""
