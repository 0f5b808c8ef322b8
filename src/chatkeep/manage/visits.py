"""What can an operator do with visitors' sessions and with tokens? List and revoke.

A revoked session ends in every process within two seconds, open streams included.
"""

from typing import Literal

from chatkeep.admit.credentials import API_KEY_START
from chatkeep.clock import Clock
from chatkeep.crypto.one_time import code_digest
from chatkeep.crypto.tokens import TokenKey, load_session_token
from chatkeep.errors import NotThere, Refused
from chatkeep.ids import OrgId, SessionId, VisitorId, WidgetId
from chatkeep.manage.api_keys import revoke_api_key
from chatkeep.manage.people import now_ms
from chatkeep.store import Store
from chatkeep.store.api_keys import find_shown_key
from chatkeep.store.paging import Part
from chatkeep.store.sessions import end_session
from chatkeep.store.visits import Visit, list_visits

Revoked = Literal["session", "api_key"]
_NOT_THERE = "there is no such token that still works"


def some_visits(
    store: Store, org: OrgId, part: Part, *, widget: WidgetId | None = None, visitor: VisitorId | None = None, is_open: bool | None = None
) -> tuple[list[Visit], int]:
    """Visitors' sessions of *org*, newest first, and how many there are."""
    return store.read_now(list_visits, org, part, widget=widget, visitor=visitor, is_open=is_open)


def revoke_session(store: Store, clock: Clock, org: OrgId, session: str) -> None:
    """End a visitor's session. Raises ``NotThere``."""
    if not store.transaction_now(end_session, org, SessionId(session), at_ms=now_ms(clock), reason="revoked"):
        raise NotThere("there is no such session that is open")


def find_token_kind(token: str) -> Revoked:
    """What *token* is, by its form: an API key (or the id of one), or a session (or its token)."""
    return "api_key" if token.startswith((API_KEY_START, "key_")) else "session"


def revoke_token(store: Store, clock: Clock, org: OrgId, token: str, key: TokenKey) -> SessionId | None:
    """End what *token* stands for: an id of a session or API key, or the token itself; the session that ended. Raises ``NotThere``, also for another's."""
    if find_token_kind(token) == "api_key":
        found = store.read_now(find_shown_key, code_digest(token)) if token.startswith(API_KEY_START) else None
        revoke_api_key(store, clock, org, found.key_id if found is not None else token)
        return None
    if token.startswith("sess_"):
        session = SessionId(token)
    else:
        try:
            session = load_session_token(token, key).sid
        except Refused:
            raise NotThere(_NOT_THERE) from None
    revoke_session(store, clock, org, session)
    return session
