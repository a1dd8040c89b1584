"""Recorded clips through the pipeline of a live camera.

`player` runs them, `report` says how it went, `trace` what was done with each frame, `metrics` how well.
"""
