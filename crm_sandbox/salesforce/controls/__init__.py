"""What a person, an admin or bad luck does, by order of a test.

controls         records, rules, people, faults      route            one control, and what it says when it refuses
admin            picklists, left out, row locks      login            sessions and users
bulk             how jobs go                         push             who is told, and when
"""
