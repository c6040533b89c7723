"""What a person, an admin or bad luck does, by order of a test.

controls         records, associations, faults       route            one control, and what it says when it refuses
rules            limits and validation rules         admin            options of properties, properties left out
login            revoke, expire, rotate, take a scope away
push             who is told, and when
"""
