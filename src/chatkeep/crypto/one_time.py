"""What works once: codes of an authenticator app (RFC 6238), recovery codes, codes in mails and links.

Secrets of apps are kept sealed; of everything else only a digest is.
"""

import base64
import hmac
import secrets
from datetime import datetime

from pyotp import TOTP, random_base32

from chatkeep.crypto import content_digest

STEP_SECONDS = 30
# RFC 6238, section 5.2: one step of delay, and one for a clock that is ahead.
_DRIFT_STEPS = 1
_RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


def new_totp_secret() -> str:
    """A secret for an authenticator app: 160 random bits in base32 (RFC 4226, section 4)."""
    return random_base32()


def totp_address(secret: str, email: str) -> str:
    """What an app reads from a QR code: ``otpauth://totp/…``."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name="Chatkeep")


def find_totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step that *code* is of, near *now*; ``None`` when it is of none. Whether it was used before is the caller's question."""
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - _DRIFT_STEPS, current + _DRIFT_STEPS + 1):
        # All of them, so that the time tells nothing.
        if hmac.compare_digest(TOTP(secret).generate_otp(step).encode(), code.encode()):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 random bits, to be written down: ``abcd-efgh-ijkl-mnop``."""
    texts = (base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode("ascii").lower() for _ in range(_RECOVERY_CODES))
    return ["-".join(text[start : start + 4] for start in range(0, len(text), 4)) for text in texts]


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code, however it was typed. No key in it: the code outlives a change of SECRET_KEY, and 80 random bits are not guessed."""
    return content_digest("".join(char for char in code.lower() if char.isalnum()).encode())


def new_code() -> str:
    """A code for a link: 256 random bits."""
    return secrets.token_urlsafe(32)


def code_digest(code: str) -> str:
    """What is kept of a code from a link, or of an API key: their randomness needs no salt."""
    return content_digest(code.encode())


def new_api_key() -> str:
    """An API key: 256 random bits behind a beginning that secret scanners can find."""
    return f"sec_{secrets.token_urlsafe(32)}"
