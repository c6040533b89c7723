"""What a request is, and what an answer looks like.

kinds            what a request is, by our names     routing          an address, a method, a body
paths            every generation's addresses become one
replies          JSON answers                        errors           what a refusal says
refusal          what the token endpoint refuses     trouble          what is said by order of a fault
limits           how many calls an account may make  stamps           how the vendor writes time
locks            which records are being written     type_names       what record types are called
"""
