"""`python -m benchmarks`: what a first load, the writes after it and an idle poll cost, held against a floor measured in the same run.

    plan.py    what is measured, in which order; starts the sandbox and one fresh process per measurement
    child.py   that process: does one piece of work and prints what it cost
    floor.py   the floor: the best simple script; imports nothing of ours
    work.py    ours: the steps, as the command line would run them
    meter.py   CPU, wall clock and peak memory of this process
    report.py  figures against goals, the table, the JSON file

Nothing here asserts a goal: a figure is printed with its goal, reached or not. What is counted: docs/performance.md.
"""
