"""The ways into the org: OAuth grants, SOAP login(), and who a token belongs to.

credentials   what is known to everybody: it opens only the sandbox        keys         the key pair for JWT
consent       a person allows the app; codes
assertions    a signed JWT → a user              refresh      refresh tokens, rotated or not
grants        a form → a user, by grant type     soap         login() and its faults
identity      a user → what userinfo and /id/ say             auth         the sessions themselves
"""
