"""The command line: ``app`` has the commands' names and the way out of errors, then one file a command.

A command's file imports nothing but click at its top: ``effectcam --help`` must not wait for OpenCV.
"""

from effectcam.cli.app import main

__all__ = ["main"]
