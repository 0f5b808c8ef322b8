"""``/api/admin/auth``, without a token: sign in, stay signed in, forgotten passwords, first user, invitations."""

from typing import Annotated

from msgspec import Meta, Struct

from chatkeep.admit import letters
from chatkeep.admit._seen import context_of
from chatkeep.admit.sign_in import Attempt
from chatkeep.audit.catalogue import LoginSucceeded, TokenReuse
from chatkeep.errors import Reason, Refused, WrongUsage
from chatkeep.manage import logins, mails, members, people
from chatkeep.manage.logins import Tokens
from chatkeep.rest.contract import ACCEPTED, CREATED, Asked, Done, Office, open_route
from chatkeep.web.routes import Route

_Email = Annotated[str, Meta(max_length=254, examples=["alice@shop.example"])]
_Password = Annotated[str, Meta(max_length=1000, examples=["three unrelated words"])]
TotpCode = Annotated[str, Meta(max_length=10, examples=["287082"])]
RecoveryCode = Annotated[str, Meta(max_length=40, examples=["abcd-efgh-ijkl-mnop"])]
_Code = Annotated[str, Meta(max_length=100, examples=["q3vO8m0mC2k1J6hT4x5uYw7zB9nR-eFgAsDdLpKiUy0"])]
_Name = Annotated[str, Meta(max_length=200, examples=["Alice Miller"])]


class TokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Who somebody says they are. *organization*: id or name, for members of several."""

    email: _Email
    password: _Password
    totp_code: TotpCode | None = None
    recovery_code: RecoveryCode | None = None
    organization: Annotated[str, Meta(max_length=200)] | None = None


class RefreshRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The newest refresh token."""

    refresh_token: Annotated[str, Meta(max_length=1024)]


class ForgotRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose password was forgotten."""

    email: _Email


class ResetRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A mailed code, and the password to be."""

    code: _Code
    password: _Password


class CodeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A mailed code."""

    code: _Code


class SetupRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The code that ``serve`` printed, and the first user, who will be an owner."""

    code: _Code
    email: _Email
    password: _Password
    name: _Name = ""
    organization: Annotated[str, Meta(min_length=1, max_length=200, examples=["Shop"])] | None = None


class InvitationAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """A mailed code, and what a new user needs; who has an account already keeps its password."""

    code: _Code
    password: _Password
    name: _Name = ""


class PersonPart(Struct):
    """Who signed in, and what they are in the organization."""

    user_id: str
    email: str
    name: str
    role: str
    organization_id: str


class TokensReply(Struct):
    """Tokens: send ``access_token`` as ``Authorization: Bearer``; seconds until each ends."""

    success: bool
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    user: PersonPart


def auth_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    at = "/api/admin/auth"
    wrong = (Reason.INVALID_CREDENTIALS, Reason.SECOND_FACTOR_REQUIRED, Reason.SECOND_FACTOR_WRONG, Reason.LOGIN_LOCKED, Reason.FORBIDDEN)
    stale = (Reason.INVALID_ADMIN_TOKEN, Reason.IDEMPOTENCY_IN_PROGRESS)
    return [
        open_route(office, "POST", f"{at}/token", "Sign in", sign_in, TokensReply, request=TokenRequest, errors=wrong),
        open_route(office, "POST", f"{at}/refresh", "Get the next tokens", refresh_tokens, TokensReply, request=RefreshRequest, errors=stale),
        open_route(office, "POST", f"{at}/password/forgot", "Ask for a mail that sets a new password", forgot, Done, request=ForgotRequest, status=ACCEPTED),
        open_route(office, "POST", f"{at}/password/reset", "Set a new password with a mailed code", reset, Done, request=ResetRequest),
        open_route(office, "POST", f"{at}/email/confirm", "Prove an address with a mailed code", confirm_email, Done, request=CodeRequest),
        open_route(office, "POST", f"{at}/setup", "Make the first user", set_up, Done, request=SetupRequest, status=CREATED),
        open_route(office, "POST", f"{at}/invitation", "Accept an invitation", accept, Done, request=InvitationAnswer, status=CREATED),
    ]


async def sign_in(asked: Asked) -> TokensReply:
    """Sign in."""
    request: TokenRequest = asked.body
    address = asked.arrival.address
    attempt = Attempt(request.email.strip().lower(), request.password, request.totp_code, request.recovery_code, address.text, address.bucket)
    office, user_agent = asked.office, asked.arrival.headers.get("user-agent", "")
    tokens = await asked.run_at_door(
        logins.begin_login, asked.store, office.vault, office.desk, attempt, organization=request.organization, user_agent=user_agent
    )
    asked.seen.office = tokens.person.login.org_id
    office.desk.recorder.record(LoginSucceeded(tokens.person.login.user_id), context_of(asked.seen))
    return _tokens(tokens)


async def refresh_tokens(asked: Asked) -> TokensReply:
    """The next tokens; one that was used before ends the login."""
    key, address = asked.arrival.headers.get("idempotency-key"), asked.arrival.address.text
    desk, token = asked.office.desk, asked.body.refresh_token
    found = await asked.run(logins.refresh_login, asked.store, desk, token, idempotency_key=key, address=address)
    if not isinstance(found, Tokens):
        # Its organization is the one to hear of it.
        asked.seen.office = found.org_id
        desk.recorder.record(TokenReuse(), context_of(asked.seen))
        raise Refused(Reason.INVALID_ADMIN_TOKEN)
    return _tokens(found)


async def forgot(asked: Asked) -> Done:
    """Mail a code, if anybody has that address, and has not had too many. The answer is the same, and the work."""
    postman, email = asked.office.postman, asked.body.email.strip().lower()
    if not postman.is_there:
        raise WrongUsage("this instance sends no mail: ask its operator, who can use `chatkeep users reset`, or set CHATKEEP_SMTP_HOST")
    if letters.spend_reset(email, asked.seen, asked.office.desk):
        code, user = await asked.run_at_door(people.ask_for_reset, asked.store, asked.clock, email)
        mail = mails.reset(email, gateway=asked.office.gateway, code=code)
        if user is not None:
            postman.take(mail)
    return Done(success=True, message=f"If somebody has an account with this address, a mail is on its way.{postman.hint}")


async def reset(asked: Asked) -> Done:
    """Set a new password."""
    request: ResetRequest = asked.body
    user = await asked.run_at_door(logins.reset_password, asked.store, asked.office.desk, code=request.code, password=request.password)
    if asked.office.postman.is_there:
        asked.office.postman.take(mails.password_changed(user.email))
    return Done(success=True, message="The password is set. Sign in with it.")


async def confirm_email(asked: Asked) -> Done:
    """Prove an address."""
    await asked.run_at_door(people.verify_email, asked.store, asked.clock, asked.body.code)
    return Done(success=True, message="The address is confirmed.")


async def set_up(asked: Asked) -> Done:
    """Make the first user."""
    request: SetupRequest = asked.body
    first = people.FirstUser(request.email, request.password, request.name, request.organization)
    await asked.run_at_door(people.set_up, asked.store, asked.clock, code=request.code, first=first)
    return Done(success=True, message="The first user is made. Sign in at /api/admin/auth/token.")


async def accept(asked: Asked) -> Done:
    """Become a member."""
    request: InvitationAnswer = asked.body
    await asked.run_at_door(members.accept_invitation, asked.store, asked.clock, code=request.code, password=request.password, name=request.name)
    return Done(success=True, message="You are a member now. Sign in at /api/admin/auth/token.")


def _tokens(tokens: Tokens) -> TokensReply:
    """Tokens as their owner sees them."""
    person = tokens.person
    part = PersonPart(person.login.user_id, person.email, person.name, person.role, person.login.org_id)
    return TokensReply(
        success=True,
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        refresh_expires_in=tokens.refresh_expires_in,
        user=part,
    )
