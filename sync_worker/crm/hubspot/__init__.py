"""HubSpot behind `crm/port.py`.

`wire` carries every request (dated paths, time-outs, the account's pace), `session` brings the token and says what an answer means by
`faults`; `reader` and `writer` do the work with `search`, `records` and `associations`; `schema` describes.
"""
