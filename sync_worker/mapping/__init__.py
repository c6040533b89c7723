"""The language of `mappings/*.yaml`: how a CRM spells what we mean. Reads the files it is given; never a database, never the network."""
