"""``chatkeep users``: people who sign in, and what they may do in the organization."""

import argparse
import getpass
import sys
from typing import Any

import msgspec

from chatkeep.admit.permissions import ROLES
from chatkeep.cli import user_logins
from chatkeep.cli.office import ALL, add_org_option, open_office, read_file
from chatkeep.cli.said import Said, Table, add_commands, facts, listed
from chatkeep.cli.user_logins import find_member
from chatkeep.errors import NotThere, WrongUsage
from chatkeep.manage import mails, members, people
from chatkeep.manage.views import invitation_view, member_view
from chatkeep.store.members import MemberRow

_LARGEST_FILE = 4096


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("users", help="people who sign in")
    sub = add_commands(parser)
    create = sub.add_parser("create", parents=[everywhere], help="make a user", epilog="Example: chatkeep users create alice@shop.example --role owner")
    create.add_argument("--name", default="", metavar="NAME", help="what people call them")
    create.add_argument("--password-file", metavar="FILE", help="file with the password in one line, - for standard input; without it you are asked")
    create.set_defaults(run=_create)
    invite = sub.add_parser("invite", parents=[everywhere], help="print a link that makes a member", epilog="Example: chatkeep users invite bob@shop.example")
    invite.set_defaults(run=_invite)
    invitations = sub.add_parser("invitations", parents=[everywhere], help="list open invitations", epilog="Example: chatkeep users invitations")
    invitations.set_defaults(run=_invitations)
    withdraw = sub.add_parser("withdraw", parents=[everywhere], help="take an invitation back", epilog="Example: chatkeep users withdraw bob@shop.example")
    withdraw.add_argument("invitation", metavar="INVITATION", help="its id, or the address that it went to")
    withdraw.set_defaults(run=_withdraw)
    listing = sub.add_parser("list", parents=[everywhere], help="list members", epilog="Example: chatkeep users list --json")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="show one member", epilog="Example: chatkeep users show bob@shop.example")
    show.set_defaults(run=_show)
    role = sub.add_parser("role", parents=[everywhere], help="change a member's role", epilog="Example: chatkeep users role bob@shop.example --role admin")
    role.set_defaults(run=_role)
    remove = sub.add_parser("remove", parents=[everywhere], help="remove a member", epilog="Example: chatkeep users remove bob@shop.example")
    remove.set_defaults(run=_remove)
    reset = sub.add_parser("reset", parents=[everywhere], help="print a link for a new password", epilog="Example: chatkeep users reset bob@shop.example")
    reset.add_argument("--second-factor", action="store_true", help="the link also removes the authenticator app, when it is lost")
    reset.set_defaults(run=_reset)
    user_logins.register(sub, everywhere)
    for one in (create, invite, show, role, remove, reset):
        one.add_argument("email", metavar="EMAIL")
    for one in (create, invite, role):
        one.add_argument(
            "--role",
            choices=ROLES,
            default="viewer" if one is not role else None,
            required=one is role,
            help="what they may do" if one is role else "what they may do (viewer)",
        )
    for one in (create, invite, invitations, withdraw, listing, show, role, remove, reset):
        add_org_option(one)


def _create(options: argparse.Namespace) -> Said:
    """Make a user."""
    password = _read_password(options.password_file)
    with open_office(options, may_begin=True) as office:
        where = {"org": office.org.org_id, "role": options.role}
        user = people.make_user(office.store, office.clock, email=options.email, password=password, name=options.name, is_verified=True, **where)
        found, _ = members.some_members(office.store, office.org.org_id, ALL)
        value = _value(members.get_member(office.store, office.org.org_id, user.user_id))
    notes = list(office.notes)
    if not any(member.role == "owner" for member in found):
        notes.append(f"{office.org.name} has no owner yet, and only an owner can do everything: chatkeep users role {user.email} --role owner")
    lines = [f"Made {user.user_id} ({user.email}), {options.role} of {office.org.name}", "Next: chatkeep serve, and sign in (POST /api/admin/auth/token)"]
    return Said(value, lines, notes=notes)


def _invite(options: argparse.Namespace) -> Said:
    """Print a link."""
    with open_office(options) as office:
        made = members.invite(office.store, office.clock, office.org.org_id, email=options.email, role=options.role)
        link = mails.link(office.settings.public_urls[0], "invitation", made.code)
    value = {**msgspec.to_builtins(invitation_view(made.row)), "link": link}
    lines = [f"Give this link to {made.row.email}; it works once, for a week, and no mail was sent:", "", link, ""]
    return Said(value, [*lines, f"To take it back: chatkeep users withdraw {made.row.email}"])


def _invitations(options: argparse.Namespace) -> Said:
    """List invitations that nobody has answered."""
    with open_office(options) as office:
        found, _ = members.some_invitations(office.store, office.clock, office.org.org_id, ALL)
    views = [invitation_view(row) for row in found]
    rows = [(view.invitation_id, view.email, view.role, view.expires_at[:10]) for view in views]
    empty = "No invitation is open. Invite somebody: chatkeep users invite bob@shop.example --role analyst"
    return listed([msgspec.to_builtins(view) for view in views], empty, Table(("ID", "EMAIL", "ROLE", "ENDS"), rows, ("EMAIL",)))


def _withdraw(options: argparse.Namespace) -> Said:
    """Take an invitation back."""
    with open_office(options) as office:
        found, _ = members.some_invitations(office.store, office.clock, office.org.org_id, ALL)
        one = next((row for row in found if options.invitation.strip().lower() in (row.invitation_id, row.email)), None)
        if one is None:
            raise NotThere(f"there is no open invitation {options.invitation[:100]!r}: `chatkeep users invitations` shows all")
        members.withdraw(office.store, office.org.org_id, one.invitation_id)
    return Said(
        {"invitation_id": one.invitation_id, "email": one.email, "withdrawn": True}, [f"The invitation of {one.email} is void: its link leads nowhere."]
    )


def _list(options: argparse.Namespace) -> Said:
    """List members."""
    with open_office(options) as office:
        found, _ = members.some_members(office.store, office.org.org_id, ALL)
    rows = [(row.user_id, row.email, row.name or "-", row.role, "yes" if row.has_totp else "no") for row in found]
    empty = "Nobody yet. Make the first one: chatkeep users create alice@shop.example --role owner"
    return listed([_value(row) for row in found], empty, Table(("ID", "EMAIL", "NAME", "ROLE", "APP"), rows, ("NAME", "EMAIL")))


def _show(options: argparse.Namespace) -> Said:
    """Show one member."""
    with open_office(options) as office:
        value = _value(find_member(office, options.email))
    return Said(value, facts(value))


def _role(options: argparse.Namespace) -> Said:
    """Change a role."""
    with open_office(options) as office:
        member = members.change_role(office.store, office.org.org_id, find_member(office, options.email).user_id, options.role)
    return Said(_value(member), [f"{member.email} is {member.role} now"])


def _remove(options: argparse.Namespace) -> Said:
    """Remove a member."""
    with open_office(options) as office:
        member = find_member(office, options.email)
        members.remove_member(office.store, office.clock, office.org.org_id, member.user_id)
    return Said({"user_id": member.user_id, "removed": True}, [f"{member.email} is no member any more"])


def _reset(options: argparse.Namespace) -> Said:
    """Print a link for a new password."""
    with open_office(options) as office:
        member = find_member(office, options.email)
        user = people.get_user(office.store, member.user_id)
        code = people.offer_reset(office.store, office.clock, user.user_id, drops_totp=options.second_factor)
        link = mails.link(office.settings.public_urls[0], "reset", code)
    value = {"user_id": user.user_id, "link": link, "removes_second_factor": options.second_factor}
    does = "sets a new password, removes the authenticator app and its recovery codes," if options.second_factor else "sets a new password"
    lines = [f"Give this link to {user.email}; it works once, for an hour, and no mail was sent:", "", link, ""]
    return Said(value, [*lines, f"Using it {does} and ends every login of {user.email}. Until then nothing changes."])


def _read_password(path: str | None) -> str:
    """A password from a file, or asked for. Raises ``WrongUsage``. Never from an option: those are in the list of processes."""
    if path is None:
        if not sys.stdin.isatty():
            raise WrongUsage("give the password in a file: --password-file FILE, or --password-file - for standard input")
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Once more: "):
            raise WrongUsage("the two passwords differ: try again")
        return first
    text = sys.stdin.read(_LARGEST_FILE) if path == "-" else read_file(path, most_bytes=_LARGEST_FILE)
    return text.rstrip("\r\n")


def _value(row: MemberRow) -> Any:
    """A member as JSON."""
    return msgspec.to_builtins(member_view(row))
