"""What record types are made of.

schema              fields, list values, types       objects             the types that there are
fields              fields of the usual kinds        permission_types    the types that say who may see what
"""
