"""What there is in the account, and what a write does.

portal           records, associations, people and pipelines together; a reset begins them again
seed             a plausible portal of any size      news             what happens there, for those who listen
records          records as they are                 index            records as search sees them some seconds later
search           filters become sorted ids           shapes           a record as a request wants to see it
associations     who is with whom, by which types    linking          associations made and undone
writing          what a write does                   values           what a write may say
validation       an admin's rules                    lifecycle        merged, restored, gone for good
answers          what answers to writes tell, by order of a test
"""
