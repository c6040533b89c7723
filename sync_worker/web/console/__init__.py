"""The console: pages for the operator and for the vendor's admin, in a browser.

Start with `core/door.py`, which lets a person in, then read one screen.

A screen is a file of addresses and the templates beside it. It asks the same steps as the commands and the API, and decides nothing.
Pages work without JavaScript. `core/console.js` only shows news without a reload.

mount.py       where the pages join the application
core/          the doors, the frame of every page, coming and going
operate/       status, failures, replays, the brake, runs, check, plan, compare, configuration
sync/          conflicts
tell/          the feed, the mail, journeys
associations/  companies, whom each may work with and why, contract values, rules
distributors/  second partners with their subgroups; terms and agreements
deals/         deals, insights, the price list
people/        groups
"""
