"""Commands about deals.

deals.py       deals: register, decide, look
deal_story.py  the pages of `deals explain`
deal_words.py  the table of moves in words; docs/deals.md is made from it
prices.py      prices: the price list
"""
