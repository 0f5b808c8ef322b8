"""Which numbers does an option take? One that is out of range is wrong usage, told with the option's name, the range and the unit."""

import argparse
from collections.abc import Callable


def whole(least: int, most: int, unit: str = "", *, zero: str | None = None) -> Callable[[str], int]:
    """A whole number (of *unit*, in the plural) from *least* to *most*; *zero*: what 0 means, where it may be given besides."""
    words = f"a whole number{f' of {unit}' if unit else ''} from {least} to {most}"

    def parse(text: str) -> int:
        # Of many digits Python makes no number at all.
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else -1
        if not least <= number <= most and not (zero is not None and number == 0):
            raise argparse.ArgumentTypeError(f"must be {words}" if zero is None else f"must be {words}, or 0 ({zero})")
        return number

    return parse


def amount(most: float, unit: str, *, zero: str | None = None) -> Callable[[str], float]:
    """A number of *unit*, in the plural, above 0 and at most *most*; *zero*: what 0 means, where it may be given too."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        # Not a number compares false with everything.
        if not (0 < number <= most or (zero is not None and number == 0)):
            raise argparse.ArgumentTypeError(f"must be a number of {unit} above 0 and at most {most:g}{f', or 0 ({zero})' if zero is not None else ''}")
        return number

    return parse


parse_port = whole(0, 65_535)
