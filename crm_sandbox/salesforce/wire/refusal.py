"""How the token endpoint says no: OAuth's shape, not the API's."""


class OAuthRefusal(Exception):
    """The token endpoint says no."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.body = {"error": error, "error_description": description}
