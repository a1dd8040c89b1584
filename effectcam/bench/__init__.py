"""Measures an effect on a device: where every millisecond goes, and how steadily.

`effectcam.bench.report` is what a measurement comes to, `effectcam.bench.harness` makes one,
`effectcam.bench.page` shows one. Importing this package loads none of them.
"""
