"""Which numbers does an option take? One that is out of range is wrong usage, told with the option's name."""

import argparse
from collections.abc import Callable


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number from *least* to *most*."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def amount(most: float) -> Callable[[str], float]:
    """A number above 0 and at most *most*."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        # Not a number compares false with everything.
        if not 0 < number <= most:
            raise argparse.ArgumentTypeError(f"must be a number above 0 and at most {most:g}")
        return number

    return parse
