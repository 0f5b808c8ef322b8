"""What can an operator do with a widget's keys? Add, list, retire; make ticket secrets.

Secrets are sealed before they are stored and never shown again.
"""

from collections.abc import Sequence

from chatkeep.admit._key_ring import place_of
from chatkeep.admit._key_sets import trust_in
from chatkeep.clock import Clock
from chatkeep.crypto import new_id, new_ticket_secret
from chatkeep.crypto.host_keys import ALGORITHMS, Algorithm, parse_public_key, parse_shared_secret
from chatkeep.egress import EgressFailed, parse_target
from chatkeep.errors import WrongUsage
from chatkeep.ids import KeyId, OrgId
from chatkeep.manage.widgets import get_widget
from chatkeep.store import Store
from chatkeep.store import widget_keys as rows
from chatkeep.store.widget_keys import Purpose, WidgetKeyRow
from chatkeep.store.widgets import WidgetRow
from chatkeep.vault import Vault

_HOUR_MS = 3_600_000
MOST_HOURS = 24 * 366
_MOST_LIVE_KEYS = 16
_LONGEST_KID = 200
_LONGEST_URL = 2048
OVERLAP_HOURS = 24.0


def add_public_key(store: Store, clock: Clock, org: OrgId, widget_id: str, *, algorithm: str, text: str, kid: str | None = None) -> WidgetKeyRow:
    """A key that checks identities: *text* in PEM or JWK form. Raises ``WrongUsage``."""
    key = parse_public_key(text, checked_algorithm(algorithm), _checked_kid(kid))
    return _add(store, clock, _identity_widget(store, org, widget_id), "identity", _checked_kid(key.kid), key.algorithm, key.public_text)


def add_shared_secret(store: Store, clock: Clock, vault: Vault, org: OrgId, widget_id: str, *, text: str, kid: str | None = None) -> WidgetKeyRow:
    """A secret that checks identities (HS256), sealed at once. Raises ``WrongUsage`` for a weak one."""
    widget = _identity_widget(store, org, widget_id)
    parse_shared_secret(text)
    sealed = store.transaction_now(vault.seal, text, place=place_of("identity", widget.widget_id))
    return _add(store, clock, widget, "identity", _checked_kid(kid), "HS256", sealed)


def add_key_set(store: Store, clock: Clock, org: OrgId, widget_id: str, *, algorithm: str, url: str, development: bool) -> WidgetKeyRow:
    """The address of a JWKS whose keys check identities; it is fetched when the first token needs it. Raises ``WrongUsage``."""
    if checked_algorithm(algorithm) == "HS256":
        raise WrongUsage("a JWKS is public: HS256 needs a secret (--secret-file)")
    try:
        target = parse_target(url, trust_in(url, development=development))
    except EgressFailed:
        raise WrongUsage("the address of a JWKS begins with https:// and holds no user name") from None
    if len(target) > _LONGEST_URL:
        raise WrongUsage(f"the address of a JWKS has at most {_LONGEST_URL} characters")
    return _add(store, clock, _identity_widget(store, org, widget_id), "jwks", None, algorithm, target)


def make_ticket_secret(
    store: Store, clock: Clock, vault: Vault, org: OrgId, widget_id: str, *, overlap_hours: float = OVERLAP_HOURS
) -> tuple[WidgetKeyRow, str]:
    """A new secret for page tickets, and the only sight of it; older ones work for *overlap_hours* more. Raises ``WrongUsage``."""
    widget = get_widget(store, org, widget_id)
    secret = new_ticket_secret()
    sealed = store.transaction_now(vault.seal, secret, place=place_of("ticket", widget.widget_id))
    key = _row(clock, widget, "ticket", None, "HS256", sealed)
    store.transaction_now(rows.replace_ticket_keys, org, key, old_until_ms=_in_hours(clock, overlap_hours))
    return key, secret


def all_keys(store: Store, org: OrgId, widget_id: str) -> Sequence[WidgetKeyRow]:
    """Every key of a widget, oldest first. Raises ``WrongUsage``."""
    return store.read_now(rows.list_keys, org, get_widget(store, org, widget_id).widget_id)


def retire_key(store: Store, clock: Clock, org: OrgId, widget_id: str, key_id: str, *, hours: float = 0.0) -> None:
    """Let a key end in *hours*, or now: in every process within two seconds. Raises ``WrongUsage``."""
    widget = get_widget(store, org, widget_id)
    if not store.transaction_now(rows.retire_key, org, widget.widget_id, KeyId(key_id), at_ms=_in_hours(clock, hours)):
        msg = f"this widget has no key {key_id!r}: `chatkeep widgets keys list {widget.widget_id}` shows all"
        raise WrongUsage(msg)


def checked_algorithm(text: str) -> Algorithm:
    """*text* as an algorithm. Raises ``WrongUsage``."""
    found = next((name for name in ALGORITHMS if name == text), None)
    if found is None:
        msg = f"there is no algorithm {text!r} here: use one of {', '.join(ALGORITHMS)}"
        raise WrongUsage(msg)
    return found


def _identity_widget(store: Store, org: OrgId, widget_id: str) -> WidgetRow:
    """The widget, if its access mode takes identities. Raises ``WrongUsage``."""
    widget = get_widget(store, org, widget_id)
    if widget.access_mode != "identity":
        msg = f"{widget.widget_id} takes no identities: its access mode is {widget.access_mode}, not identity"
        raise WrongUsage(msg)
    return widget


def _add(store: Store, clock: Clock, widget: WidgetRow, purpose: Purpose, kid: str | None, algorithm: str, material: str) -> WidgetKeyRow:
    """Store one more key of *widget*. Raises ``WrongUsage``."""
    key = _row(clock, widget, purpose, kid, algorithm, material)
    live = [other for other in store.read_now(rows.list_keys, widget.org_id, widget.widget_id) if other.is_live(key.created_at_ms)]
    if len(live) >= _MOST_LIVE_KEYS:
        raise WrongUsage(f"a widget has at most {_MOST_LIVE_KEYS} live keys: retire one first")
    if kid is not None and any(other.kid == kid for other in live):
        raise WrongUsage(f"a live key is called {kid!r} already: choose another --kid, or retire that one first")
    store.transaction_now(rows.add_key, widget.org_id, key)
    return key


def _row(clock: Clock, widget: WidgetRow, purpose: Purpose, kid: str | None, algorithm: str, material: str) -> WidgetKeyRow:
    """A key that nobody has used."""
    made_at_ms = _in_hours(clock, 0.0)
    return WidgetKeyRow(KeyId(new_id("key")), widget.org_id, widget.widget_id, purpose, kid, algorithm, material, made_at_ms, None)


def _checked_kid(kid: str | None) -> str | None:
    """A key's name that tokens can say. Raises ``WrongUsage``."""
    if kid is not None and not (1 <= len(kid) <= _LONGEST_KID and kid.isprintable()):
        raise WrongUsage(f"a key's name (kid) has 1 to {_LONGEST_KID} printable characters")
    return kid


def _in_hours(clock: Clock, hours: float) -> int:
    """That moment in ms since 1970. Raises ``WrongUsage``."""
    if not 0 <= hours <= MOST_HOURS:
        raise WrongUsage(f"give a number of hours from 0 (now) to {MOST_HOURS}, which is a year")
    return int(clock.now().timestamp() * 1000 + hours * _HOUR_MS)
