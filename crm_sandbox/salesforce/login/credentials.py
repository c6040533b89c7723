"""Credentials of the sandbox. None is secret: they open only a sandbox on loopback."""

SANDBOX_CLIENT_ID = "sandbox"
SANDBOX_CLIENT_SECRET = "sandbox-secret"  # noqa: S105
SANDBOX_PASSWORD = "sandbox-password"  # noqa: S105 - every user's
SANDBOX_SECURITY_TOKEN = "SandboxSecurityToken"  # noqa: S105 - every user's; may be appended to the password
SANDBOX_REFRESH_TOKEN = "5Aep861sandbox.refresh.token"  # noqa: S105 - the integration user's
