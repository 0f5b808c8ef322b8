"""What may somebody do at this moment?

Nothing that was handed out lasts longer than the right to hand it out: an API key does no
more than its maker may now, an invitation holds while its inviter could write it now.
Asked anew whenever it matters, inside the transaction that depends on it.
"""

from chatkeep.admit.permissions import EVERYTHING, PERMISSIONS, Permission, check_may_give
from chatkeep.errors import Refused
from chatkeep.ids import OrgId, UserId
from chatkeep.store import Tx
from chatkeep.store.api_keys import ApiKeyRow, find_api_key
from chatkeep.store.members import InvitationRow, find_member

_KEY = "key_"


def of_actor(tx: Tx, org: OrgId, actor: str | None) -> frozenset[Permission]:
    """What *actor* may do in *org*: a person or an API key, by id; ``None`` is the command line, which may everything."""
    if actor is None:
        return EVERYTHING
    if actor.startswith(_KEY):
        key = find_api_key(tx, org, actor)
        return (find_rights_of_key(tx, key) if key is not None and key.revoked_at_ms is None else None) or frozenset()
    member = find_member(tx, org, UserId(actor))
    return PERMISSIONS[member.role] if member is not None else frozenset()


def find_rights_of_key(tx: Tx, key: ApiKeyRow) -> frozenset[Permission] | None:
    """What *key* may do while it is live: its scopes, of which its maker has lost none; ``None`` when they are no member any more."""
    held = EVERYTHING
    if key.created_by is not None:
        maker = find_member(tx, key.org_id, UserId(key.created_by))
        if maker is None:
            return None
        held = PERMISSIONS[maker.role]
    return frozenset(each for each in held if each.value in key.scopes)


def end_of_actor(tx: Tx, org: OrgId, actor: str | None) -> int | None:
    """When the rights of *actor* end by themselves, in ms: those of an API key with an end."""
    key = find_api_key(tx, org, actor) if actor is not None and actor.startswith(_KEY) else None
    return key.expires_at_ms if key is not None else None


def still_holds(tx: Tx, invitation: InvitationRow) -> bool:
    """Whether whoever wrote *invitation* could write it now."""
    org, inviter = invitation.org_id, invitation.invited_by
    end = end_of_actor(tx, org, inviter)
    try:
        check_may_give(invitation.role, of_actor(tx, org, inviter))
    except Refused:
        return False
    return end is None or invitation.expires_at_ms <= end
