"""The deep scan of a data set: every image is opened once, and what is wrong with it, or odd, is listed.

look.py looks at one file, sweep.py at all of them, and store.py keeps what was seen. prints.py and alike.py find images
that show the same; problems.py turns all that into rows for the person, tables.py into statistics. The scan before a
training (data/scan.py) reads headers only, and stays apart: it must be quick, this one must be thorough.

Nothing here needs torch: what was found is shown where the panels are.
"""
