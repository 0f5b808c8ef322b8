"""The demo: a small invented shop on an origin of its own, and what its widget knows.

What ``chatkeep demo`` shows: a real gateway, a real page on another origin, no AI key.
"""

from chatkeep.demo.seed import DemoSite, seed
from chatkeep.demo.shop import shop_app

__all__ = ["DemoSite", "seed", "shop_app"]
