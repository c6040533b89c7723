"""`python -m benchmarks`: what a first load, the writes after it, later changes and idle polls cost, held against a floor of the same run.

    crms.py       the CRMs that can be measured: sandbox, portal file, limits, goals   ← add a CRM here, with readers.py and changes.py
    plan.py       what is measured, in which order                               ← add a measurement here …
    figures.py    what is shown of it, with its goal                             ← … and its lines here
    databases.py  SQLite and PostgreSQL, a fresh database per measurement
    bench.py      starts the sandbox, and one fresh process per measurement
    child.py      that process: does one piece of work and prints what it cost
    readers.py    the floor's reading of a CRM   floor.py   … and its storing; the best simple script, without anything of ours
    rows.py       … and the rows of a load, written by nothing but the driver    vendor_client.py  … and the vendor's client
    work.py       ours: the steps, as the command line would run them
    changes.py    people at work in the CRM          edits.py   partners at work in the portal
    meter.py      CPU, wall clock, peak memory     profile.py   where the CPU goes, room by room
    report.py     the tables, the result files
    webhooks.py   a command of its own: how soon webhooks are answered and applied      processes.py  … by an installation at work
    console.py    a command of its own: how soon a page of the console is there      pipeline.py  … and a list of 200,000 deals
    latency.py    a command of its own: how near we come to what a vendor allows when every call takes long

Nothing here asserts a goal: a figure is printed with its goal, reached or not. What is counted: docs/performance.md.
"""
