"""All that the command line needs, imported once: an emulated processor takes minutes for it."""

from importlib import import_module

for name in (
    "ai_edge_litert.compiled_model",
    "ai_edge_litert.environment",
    "ai_edge_litert.interpreter",
    "effectcam.cli.devices",
    "effectcam.cli.doctor",
    "effectcam.cli.latency",
    "effectcam.cli.run",
    "effectcam.cli.session",
    "effectcam.doctor",
    "effectcam.latency",
    "effectcam.live.loop",
    "effectcam.pipeline",
    "effectcam.sink.virtual_camera",
    "pytest",
    "tests.vm.program",
):
    import_module(name)
