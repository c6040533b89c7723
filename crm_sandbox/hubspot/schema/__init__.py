"""What record types are made of.

schema           properties, options, groups         object_types     the types that there are
property_bodies  what a body says of a property      standard_types   the types that are there and empty
"""
