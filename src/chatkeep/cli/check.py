"""``chatkeep check``: what is set, and is it safe?"""

import argparse
from typing import Any

from chatkeep.checks import run_checks
from chatkeep.cli.said import Said, Table
from chatkeep.settings import Loaded, setting_fields
from chatkeep.wiring import read_settings


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("check", parents=[everywhere], help="print effective settings and findings", epilog="Example: chatkeep check --strict")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> Said:
    """Print every setting with its source, and every finding; exit 1 on any error."""
    loaded = read_settings(data_dir=options.data_dir)
    findings = run_checks(loaded)
    settings = {name: {"value": value, "source": source} for name, value, source in _effective(loaded)}
    told = [{"severity": f.severity, "setting": f.setting, "message": f.message} for f in findings]
    failed = any(f.severity == "error" or options.strict for f in findings)
    rows = [(f"CHATKEEP_{name.upper()}", s["value"], s["source"]) for name, s in settings.items()]
    lines = Table(("SETTING", "VALUE", "FROM"), rows, ("VALUE", "FROM")).lines(is_wide=options.wide)
    lines += ["", *(f"{f.severity}: {f.message}" for f in findings)] if findings else ["", "No findings."]
    return Said({"ok": not failed, "settings": settings, "findings": told}, lines, failed)


def _effective(loaded: Loaded) -> list[tuple[str, str, str]]:
    """Name, value (secrets hidden) and source of every setting."""
    rows = []
    for field in setting_fields():
        value = getattr(loaded.settings, field.name)
        if field.name == "data_dir":
            value = loaded.settings.data_path
        shown = "(set)" if field.is_secret and value else str(value) if value != "" else "(empty)"
        rows.append((field.name, shown, loaded.sources.get(field.name, "default")))
    return rows
