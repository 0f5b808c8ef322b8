"""How do an owner's few tokens become every value that the widget draws with?

The loader only writes what this sends, so the arithmetic of colours costs a page nothing.
"""

from chatkeep.accept.look.resolved import LauncherLook, Look, resolve_launcher, resolve_theme

__all__ = ["LauncherLook", "Look", "resolve_launcher", "resolve_theme"]
