"""The story of the demo: `base/` is the project at its start, `plot.py` what happens to it."""
