"""What a request is, and what an answer looks like.

kinds            what a request is, by our names     routing          an address, a method, a body
replies          JSON answers                        errors           what a refusal says
refusal          what the token endpoint refuses     soap_fault       what SOAP refuses
words            what is said with a code that a fault orders
etags            entity tags                         zipping          answers that travel zipped
ids              15 and 18 characters                stamps           how the vendor writes time
"""
