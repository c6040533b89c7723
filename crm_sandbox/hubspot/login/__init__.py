"""Tokens of a HubSpot account, and what they may do.

credentials   what is known to everybody: it opens only the sandbox
tokens        static ones, OAuth's and what refreshes them            scopes     what a call asks for
consent       what an app asks a person for, and the answer
grants        a form → a new access token                             describe   what a token says of itself
"""
