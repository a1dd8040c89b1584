"""All that commands need, imported once for those that are forked from here."""

from importlib import import_module

for name in (
    "ai_edge_litert.compiled_model",
    "ai_edge_litert.environment",
    "effectcam.cli.demo",
    "effectcam.cli.latency",
    "effectcam.cli.replay",
    "effectcam.cli.run",
    "effectcam.cli.session",
    "effectcam.latency",
    "effectcam.live.loop",
    "effectcam.pipeline",
    "tests.cli.forked",
):
    import_module(name)
