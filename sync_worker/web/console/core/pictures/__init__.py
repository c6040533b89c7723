"""Pictures of numbers, drawn on the server as SVG.

chart.py    columns, lines and strips out of numbers: where each shape stands
chart.html  how a page shows them: the picture, what its colours mean, and the same as a table
"""
