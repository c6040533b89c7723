"""How the token endpoint says no: a shape of its own, and on the dated addresses OAuth's beside it."""

from typing import Any

_OAUTH_ERROR = {  # what OAuth calls it; anything else is an invalid_request
    "BAD_REFRESH_TOKEN": "invalid_grant",
    "BAD_AUTH_CODE": "invalid_grant",
    "BAD_CLIENT_ID": "invalid_client",
    "BAD_CLIENT_SECRET": "invalid_client",
    "BAD_GRANT_TYPE": "unsupported_grant_type",
}
WORDS = {
    "BAD_REFRESH_TOKEN": "missing or invalid refresh token",
    "BAD_AUTH_CODE": "missing or unknown auth code",
    "BAD_CLIENT_ID": "missing or unknown client id",
    "BAD_CLIENT_SECRET": "missing or invalid client secret",
    "BAD_GRANT_TYPE": "missing or unknown grant type",
}


class TokenRefusal(Exception):
    """The token endpoint says no; always with 400."""

    def __init__(self, code: str, words: str | None = None) -> None:
        self.code, self.words = code, words or WORDS.get(code, f"{code} by order")
        super().__init__(f"{code}: {self.words}")

    def body(self, *, is_dated: bool) -> dict[str, Any]:
        """The answer."""
        shape = {"status": self.code, "message": self.words}
        if not is_dated:
            return shape
        return shape | {"error": _OAUTH_ERROR.get(self.code, "invalid_request"), "error_description": self.words}
