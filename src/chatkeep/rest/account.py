"""``/api/admin/auth``, with a token of one's own: who am I, where am I signed in, password, second factor."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from chatkeep.admit import letters, sign_in
from chatkeep.admit.sign_in import Attempt
from chatkeep.crypto.passwords import check_length
from chatkeep.errors import Reason, Refused, WrongUsage
from chatkeep.manage import logins, mails, people
from chatkeep.manage.views import LoginView, login_view
from chatkeep.rest.auth import RecoveryCode, TotpCode
from chatkeep.rest.contract import ACCEPTED, AskedByOperator, Done, Office, person_route
from chatkeep.store.logins import SignedIn
from chatkeep.store.members import organizations_of
from chatkeep.store.users import UserRow, count_recovery_codes
from chatkeep.web.routes import Route

_Password = Annotated[str, Meta(max_length=1000, examples=["three unrelated words"])]


class PasswordRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The password as it is, and as it is to be."""

    current_password: _Password
    new_password: _Password


class ConfirmRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The password, once more, for something that weakens the account."""

    current_password: _Password


class SecondFactorRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The password and, where there is an app, one of its codes or a recovery code: for changing the second factor itself."""

    current_password: _Password
    totp_code: TotpCode | None = None
    recovery_code: RecoveryCode | None = None


class TotpConfirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """What the authenticator app shows for the offered secret."""

    code: TotpCode


class OrganizationPart(Struct):
    """An organization that somebody belongs to."""

    organization_id: str
    name: str


class Me(Struct):
    """Who is signed in."""

    success: bool
    user_id: str
    email: str
    email_verified: bool
    name: str
    role: str
    permissions: list[str]
    has_totp: bool
    recovery_codes_left: int
    organization_id: str
    organizations: list[OrganizationPart]


class LoginList(Struct):
    """Everywhere that somebody is signed in."""

    success: bool
    sessions: list[LoginView]


class TotpReply(Struct):
    """A secret for an authenticator app, shown this once: null in a repeated answer."""

    success: bool
    secret: str | None
    otpauth_url: str | None


class RecoveryCodes(Struct):
    """Codes to write down, shown this once (null in a repeated answer); each works one time instead of the app."""

    success: bool
    recovery_codes: list[str] | None


def account_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    at = "/api/admin/auth"
    again = (Reason.PASSWORD_NOT_CONFIRMED, Reason.LOGIN_LOCKED, Reason.SIGN_IN_BUSY)
    both = (*again, Reason.SECOND_FACTOR_REQUIRED, Reason.SECOND_FACTOR_WRONG)
    return [
        person_route(office, "GET", f"{at}/me", "Who am I", read_me, Me),
        person_route(office, "POST", f"{at}/logout", "Sign out", sign_out, Done),
        person_route(office, "GET", f"{at}/sessions", "Where am I signed in", list_logins, LoginList),
        person_route(office, "DELETE", f"{at}/sessions/{{login_id}}", "Sign out elsewhere", end_login, Done, errors=(Reason.NOT_FOUND,)),
        person_route(
            office,
            "POST",
            f"{at}/password",
            "Change the password",
            change_password,
            Done,
            request=PasswordRequest,
            errors=again,
            notes="Every other login ends.",
        ),
        person_route(office, "POST", f"{at}/email/verify", "Ask for a mail that proves the address", ask_to_verify, Done, status=ACCEPTED),
        person_route(
            office, "POST", f"{at}/totp", "Ask for a secret of an authenticator app", offer_totp, TotpReply, secrets=("secret", "otpauth_url"),
            request=ConfirmRequest, errors=again,
        ),
        person_route(
            office, "POST", f"{at}/totp/confirm", "Put the authenticator app in force", confirm_totp, RecoveryCodes, secrets=("recovery_codes",),
            request=TotpConfirmation, notes="Every other login ends.",
        ),
        person_route(
            office, "POST", f"{at}/totp/disable", "Sign in without an authenticator app", disable_totp, Done, request=SecondFactorRequest, errors=both
        ),
        person_route(
            office, "POST", f"{at}/recovery-codes", "Get other recovery codes", renew_codes, RecoveryCodes, secrets=("recovery_codes",),
            request=SecondFactorRequest, errors=both,
        ),
    ]  # fmt: skip


def read_me(asked: AskedByOperator) -> Me:
    """Who is signed in."""
    person, user = _person(asked), _user(asked)
    return Me(
        success=True,
        user_id=user.user_id,
        email=user.email,
        email_verified=user.email_verified_at_ms is not None,
        name=user.name,
        role=person.role,
        permissions=sorted(asked.operator.permissions),
        has_totp=user.has_totp,
        recovery_codes_left=asked.store.read_now(count_recovery_codes, user.user_id),
        organization_id=asked.org,
        organizations=[OrganizationPart(org.org_id, org.name) for org in asked.store.read_now(organizations_of, user.user_id)],
    )


def sign_out(asked: AskedByOperator) -> Done:
    """End this login."""
    login = _person(asked).login
    logins.end_login(asked.store, asked.clock, login.user_id, login.login_id)
    return Done(success=True, message="You are signed out.")


def list_logins(asked: AskedByOperator) -> LoginList:
    """Everywhere that this person is signed in."""
    current = _person(asked).login
    found = logins.all_logins(asked.store, asked.clock, current.user_id)
    return LoginList(success=True, sessions=[login_view(row, current.login_id) for row in found])


def end_login(asked: AskedByOperator) -> Done:
    """End another login."""
    logins.end_login(asked.store, asked.clock, _person(asked).login.user_id, asked.params["login_id"])
    return Done(success=True, message="That login has ended.")


async def change_password(asked: AskedByOperator) -> Done:
    """Change the password."""
    request: PasswordRequest = asked.body
    try:
        check_length(request.new_password)
        user = await asked.run_at_door(_change_password, asked, request)
    except WrongUsage as error:
        # Here it is called otherwise than where accounts are made.
        raise WrongUsage(str(error), field="new_password") from None
    if asked.office.postman.is_there:
        asked.office.postman.take(mails.password_changed(user.email))
    return Done(success=True, message="The password is changed. Every other login has ended.")


async def ask_to_verify(asked: AskedByOperator) -> Done:
    """Mail a code to the own address."""
    office, user = asked.office, await asked.run(_user, asked)
    if not office.postman.is_there:
        raise WrongUsage("this instance sends no mail: its operator can set CHATKEEP_SMTP_HOST")
    letters.spend_letter("verification", user.email, asked.org, asked.seen, office.desk)
    code = await asked.run(people.put_code, asked.store, asked.clock, "verify", user.user_id)
    office.postman.take(mails.verification(user.email, gateway=office.gateway, code=code))
    return Done(success=True, message=f"A mail is on its way.{office.postman.hint}")


async def offer_totp(asked: AskedByOperator) -> TotpReply:
    """A secret for an app."""
    offer = await asked.run_at_door(_offer_totp, asked)
    return TotpReply(success=True, secret=offer.secret, otpauth_url=offer.address)


def confirm_totp(asked: AskedByOperator) -> RecoveryCodes:
    """Put the app in force."""
    login_id = _person(asked).login.login_id
    codes = people.confirm_totp(asked.store, asked.clock, asked.office.vault, _user(asked), asked.body.code, login=login_id)
    return RecoveryCodes(success=True, recovery_codes=list(codes))


async def disable_totp(asked: AskedByOperator) -> Done:
    """Do without the app."""
    await asked.run_at_door(_disable_totp, asked)
    return Done(success=True, message="You sign in with your password alone now.")


async def renew_codes(asked: AskedByOperator) -> RecoveryCodes:
    """Other recovery codes."""
    codes = await asked.run_at_door(_renew_codes, asked)
    return RecoveryCodes(success=True, recovery_codes=list(codes))


def _change_password(asked: AskedByOperator, request: PasswordRequest) -> UserRow:
    """Look at the old password, and set the new one; of whom."""
    user = _confirmed(asked, request.current_password)
    people.change_password(asked.store, asked.clock, user, request.new_password, login=_person(asked).login.login_id)
    return user


def _offer_totp(asked: AskedByOperator) -> people.TotpOffer:
    """Look at the password, and make a secret."""
    user = _confirmed(asked, asked.body.current_password)
    return people.offer_totp(asked.store, asked.clock, asked.office.vault, user, login=_person(asked).login.login_id)


def _disable_totp(asked: AskedByOperator) -> None:
    """Look at password and code, and forget the app."""
    people.drop_totp(asked.store, asked.clock, _confirmed_twice(asked), login=_person(asked).login.login_id)


def _renew_codes(asked: AskedByOperator) -> Sequence[str]:
    """Look at password and code, and make other recovery codes."""
    return people.renew_recovery_codes(asked.store, asked.clock, _confirmed_twice(asked), login=_person(asked).login.login_id)


def _person(asked: AskedByOperator) -> SignedIn:
    """Who is signed in. The door lets nobody else in."""
    if asked.operator.person is None:
        raise Refused(Reason.FORBIDDEN)
    return asked.operator.person


def _user(asked: AskedByOperator) -> UserRow:
    """The user who is signed in."""
    return people.get_user(asked.store, _person(asked).login.user_id)


def _confirmed(asked: AskedByOperator, password: str) -> UserRow:
    """The user who is signed in, and knows their password. Raises ``Refused``."""
    user, address = _user(asked), asked.arrival.address
    sign_in.confirm(user, Attempt(user.email, password, None, None, address.text, address.bucket), asked.office.desk.store, asked.office.desk)
    return user


def _confirmed_twice(asked: AskedByOperator) -> UserRow:
    """As ``_confirmed``, with the second factor: whoever has the password alone must not get rid of the app, nor get codes instead of it."""
    request: SecondFactorRequest = asked.body
    user, address, desk = _user(asked), asked.arrival.address, asked.office.desk
    attempt = Attempt(user.email, request.current_password, request.totp_code, request.recovery_code, address.text, address.bucket)
    sign_in.confirm(user, attempt, desk.store, desk, vault=asked.office.vault)
    return user
