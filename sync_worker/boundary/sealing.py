"""Secrets that the database keeps, sealed with keys that it does not have. Fernet: AES-128-CBC with an HMAC, from `cryptography`.

Several keys: the first one seals, each opens. So a key is replaced in two steps: the new one before the old one, and the old one away when
everything is sealed with the new one. The portal stands inside, so that a sealed text does not open in another portal's row.
"""

from __future__ import annotations

from collections.abc import Sequence


class NotOpened(Exception):
    """None of the keys opens the text, or it was sealed for another portal."""


class Seal:
    """**Shapes** `keys`: 32 random bytes each, in base64 for addresses. **Raises** ValueError for what is not a key, or none."""

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.fernet import Fernet, MultiFernet  # only where there is a key

        opened = [Fernet(key) for key in keys]
        self._first = opened[0]
        self._every = MultiFernet(opened)

    @classmethod
    def of(cls, written: str) -> Seal:
        """Of keys with commas between them. **Raises** ValueError."""
        keys = [key.strip() for key in written.split(",") if key.strip()]
        if not keys:
            raise ValueError("no key")
        return cls(keys)

    def close(self, portal: str, secret: str) -> str:
        """The secret as it may be kept."""
        return self._first.encrypt(f"{portal}\n{secret}".encode()).decode()

    def open(self, portal: str, kept: str) -> str:
        """The secret. **Raises** NotOpened."""
        from cryptography.fernet import InvalidToken

        try:
            owner, _, secret = self._every.decrypt(kept.encode()).decode().partition("\n")
        except (InvalidToken, UnicodeError):
            raise NotOpened from None
        if owner != portal:
            raise NotOpened
        return secret

    def is_by_the_first_key(self, kept: str) -> bool:
        """Whether it need not be sealed again."""
        from cryptography.fernet import InvalidToken

        try:
            self._first.decrypt(kept.encode())
        except InvalidToken:
            return False
        return True
