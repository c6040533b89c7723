"""What an integrator asks of a CRM: does it have what the mapping names, and what must be made in it."""
