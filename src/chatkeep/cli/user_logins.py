"""``chatkeep users unlock``, ``sessions``, ``sign-out``: where a member is signed in, and the way back in for whoever is kept out."""

import argparse
from typing import Any

import msgspec

from chatkeep.cli.office import Office, add_org_option, open_office
from chatkeep.cli.said import Said, Table, listed, short_time
from chatkeep.errors import NotThere
from chatkeep.manage import logins, members
from chatkeep.manage.views import login_view
from chatkeep.store.logins import LoginRow
from chatkeep.store.members import MemberRow
from chatkeep.store.users import find_user_by_email


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-commands to ``users``."""
    unlock = sub.add_parser(
        "unlock", parents=[everywhere], help="let somebody in who failed to sign in too often", epilog="Example: chatkeep users unlock bob@shop.example"
    )
    unlock.set_defaults(run=_unlock)
    sessions = sub.add_parser(
        "sessions", parents=[everywhere], help="list where a member is signed in", epilog="Example: chatkeep users sessions bob@shop.example"
    )
    sessions.set_defaults(run=_sessions)
    sign_out = sub.add_parser("sign-out", parents=[everywhere], help="end a member's logins", epilog="Example: chatkeep users sign-out bob@shop.example")
    sign_out.add_argument("--session", metavar="LOGIN_ID", help="only this one (`chatkeep users sessions`)")
    sign_out.set_defaults(run=_sign_out)
    for one in (unlock, sessions, sign_out):
        one.add_argument("email", metavar="EMAIL")
        add_org_option(one)


def find_member(office: Office, email: str) -> MemberRow:
    """The member with that address. Raises ``NotThere``."""
    user = office.store.read_now(find_user_by_email, email.strip().lower())
    try:
        return members.get_member(office.store, office.org.org_id, user.user_id if user is not None else "")
    except NotThere:
        raise NotThere(f"nobody with the address {email[:100]!r} is a member: `chatkeep users list` shows all") from None


def _unlock(options: argparse.Namespace) -> Said:
    """Forget failures to sign in."""
    with open_office(options) as office:
        member = find_member(office, options.email)
        failures = logins.unlock(office.store, office.clock, member.email, office.hash_keys)
    value = {"user_id": member.user_id, "failures": failures}
    if not failures:
        return Said(value, [f"{member.email} has not failed to sign in for 15 minutes: nothing of their own keeps them out.", *_advice(member)])
    lines = [f"{member.email} can try again at once, from anywhere; failures forgotten: {failures}."]
    return Said(value, [*lines, "Only at an address from which others failed as well they still wait, for 15 minutes at most.", *_advice(member)])


def _advice(member: MemberRow) -> list[str]:
    """What else may keep somebody out."""
    lost = f"chatkeep users reset {member.email}"
    return [f"Is the password lost? {lost}", *([f"The phone with the app and the recovery codes too? {lost} --second-factor"] if member.has_totp else [])]


def _sessions(options: argparse.Namespace) -> Said:
    """List logins."""
    with open_office(options) as office:
        member = find_member(office, options.email)
        found = logins.all_logins(office.store, office.clock, member.user_id)
    rows = [(one.login_id, one.address, one.user_agent, short_time(one.active_at_ms), short_time(one.expires_at_ms)) for one in found]
    empty = f"{member.email} is signed in nowhere."
    table = Table(("ID", "ADDRESS", "BROWSER", "ACTIVE", "ENDS"), rows, ("BROWSER", "ADDRESS"))
    return listed([_value(one) for one in found], empty, table)


def _sign_out(options: argparse.Namespace) -> Said:
    """End one login, or all."""
    with open_office(options) as office:
        member = find_member(office, options.email)
        ended = _end(office, member, options.session)
    value = {"user_id": member.user_id, "ended": ended}
    lines = [f"Ended {ended} {'login' if ended == 1 else 'logins'} of {member.email}, on every gateway at once."]
    return Said(value, [*lines, f"Whoever knows the password can sign in again: chatkeep users reset {member.email} prints a link for another one."])


def _end(office: Office, member: MemberRow, login: str | None) -> int:
    """End one login, or all; how many that were. Raises ``NotThere``."""
    if login is None:
        return logins.end_all_logins(office.store, office.clock, member.user_id)
    try:
        logins.end_login(office.store, office.clock, member.user_id, login)
    except NotThere:
        raise NotThere(f"{member.email} has no login {login[:100]!r}: `chatkeep users sessions {member.email}` shows all") from None
    return 1


def _value(row: LoginRow) -> Any:
    """A login as JSON. Nobody is signed in here: none is the current one."""
    return msgspec.to_builtins(login_view(row, None))
