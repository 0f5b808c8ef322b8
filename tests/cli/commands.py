"""Every command there is, as the words that are typed, with its parser."""

from docs.generate import commands

COMMANDS = dict(commands())
