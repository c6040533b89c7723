"""Credentials of the sandbox. None is secret: they open only a sandbox on loopback."""

SANDBOX_APP_ID = 1_160_452
SANDBOX_TOKEN = "pat-na1-5a4db0c5-0000-4000-8000-000000000001"  # noqa: S105 - a service key's or a private app's
SANDBOX_CLIENT_ID = "00000000-5a4d-4b0c-8000-0000000000c1"
SANDBOX_CLIENT_SECRET = "00000000-5a4d-4b0c-8000-00000000005e"  # noqa: S105 - signs the notifications too
SANDBOX_REFRESH_TOKEN = "na1-5a4d-b0c0-8000-00000000002f"  # noqa: S105
SANDBOX_REDIRECT_URI = "http://localhost/oauth-callback"
SANDBOX_DEVELOPER_KEY = "na1-5a4d-b0c0-8000-0000000000de"  # for /webhooks/v3, as `hapikey`
