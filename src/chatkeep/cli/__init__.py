"""The command line: the same functions as every other face, for operators."""

from chatkeep.cli.main import main

__all__ = ["main"]
