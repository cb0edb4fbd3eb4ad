"""Access keys of the base identity and of assumed roles, with the secrets that sign requests."""

from __future__ import annotations

import base64
import hmac
import math
import random
import re
import string
from dataclasses import dataclass, field
from uuid import UUID

from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.scenario import Scenario
from fleet_repl.values.clock import Clock

_KEY_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(slots=True, kw_only=True)
class AccessKey:
    """A key pair and, for a session, its token and the time when it expires."""

    id: str
    identity: Identity
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    ends_at: float = math.inf
    """On the monotonic clock; a scenario may end a session before its published expiration."""
    calls_left: float = math.inf
    known_from: float = -math.inf
    """On the monotonic clock; a scenario may make the endpoints learn of a session late."""
    _signing_keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    def signing_key(self, date: str, region: str, service: str) -> bytes:
        """Returns SigV4's derived key, computed once per day, region and service."""
        scope = f"{date}/{region}/{service}"
        key = self._signing_keys.get(scope)
        if key is None:
            key = f"AWS4{self.secret}".encode()
            for part in (date, region, service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._signing_keys[scope] = key
        return key

    def is_known(self, now: float) -> bool:
        """Returns whether the endpoints know the key yet."""
        return now >= self.known_from

    def use(self, now: float) -> bool:
        """Counts a call. Returns whether the key was still valid for it."""
        if now >= self.ends_at or self.calls_left <= 0:
            return False
        self.calls_left -= 1
        return True

    def revoke(self) -> bool:
        """Ends a session for good. Returns False for the base identity's key, which never ends."""
        if self.token is None:
            return False
        self.ends_at = -math.inf
        return True


class Keyring:
    """Every key issued in a world. Expired keys stay: AWS tells them from unknown keys."""

    def __init__(self, base: Identity, scenario: Scenario, clock: Clock) -> None:
        # Secrets of a sandbox guard nothing, and the same seed has to give the same secrets.
        self._random = random.Random(f"keys/{scenario.seed}")  # noqa: S311
        self._scenario = scenario
        self._clock = clock
        self._keys: dict[str, AccessKey] = {}
        self._codes: set[tuple[str, str]] = set()
        self.base = self._issue("AKIA", base)

    def find(self, key_id: str) -> AccessKey | None:
        return self._keys.get(key_id)

    def open_session(self, identity: Identity, seconds: int) -> AccessKey:
        """Issues temporary credentials for an assumed role."""
        key = self._issue("ASIA", identity)
        key.token = base64.b64encode(self._random.randbytes(240)).decode()
        now = self._clock.monotonic()
        key.known_from = now + (self._scenario.sessions_refused_for_seconds or 0)
        key.ends_at = now + min(seconds, self._scenario.sessions_expire_after_seconds or math.inf)
        key.calls_left = self._scenario.sessions_expire_after_calls or math.inf
        return key

    def takes_code(self, device: str, code: str) -> bool:
        """Returns whether an MFA device may show the code. Each code of a device is taken once."""
        taken = re.fullmatch(r"[0-9]{6}", code) is None or (device, code) in self._codes
        self._codes.add((device, code))
        return not taken

    def _issue(self, prefix: str, identity: Identity) -> AccessKey:
        key = AccessKey(
            id=prefix + "".join(self._random.choices(_KEY_CHARACTERS, k=16)),
            identity=identity,
            secret=base64.b64encode(self._random.randbytes(30)).decode(),
        )
        self._keys[key.id] = key
        return key

    def request_id(self) -> str:
        """Returns a new request id in the form of a UUID."""
        return str(UUID(bytes=self._random.randbytes(16)))
