"""A client that a real generator makes of the served OpenAPI, as a portal's makers would, and the calls that it offers."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.integration.api.desk import Desk
from tests.patience import HANG_S

GENERATOR: Final = Path(sys.prefix) / "generator" / "bin" / "openapi-python-client"
"""It has an environment of its own: `make .venv/.generator`."""
PACKAGE: Final = "portal_client"
CONFIG: Final = {
    "content_type_overrides": dict.fromkeys(("application/pdf", "image/png", "image/jpeg"), "application/octet-stream"),
    "post_hooks": [],
}
"""As `docs/api.md` says: this generator must be told which media types are files. Nobody reads the code, so nothing formats it."""


@dataclass(frozen=True)
class Client:
    """The generated package, and a session of its own with the portal's token."""

    session: Any

    def call(self, tag: str, operation: str, *places: str, **more: Any) -> Any:
        """One call by its operation id. **Shapes** the answer has `status_code`, `headers`, `content` and `parsed`."""
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        return module.sync_detailed("acme", *places, client=self.session, **more)

    def said(self, tag: str, operation: str, *places: str, status: int = 200, **more: Any) -> Any:
        """What came back, as the client's own type; the answer must have this status."""
        answer = self.call(tag, operation, *places, **more)
        assert answer.status_code == status, (operation, answer.status_code, answer.content)
        return answer.parsed

    def model(self, name: str) -> Any:
        """One of the client's types."""
        return getattr(importlib.import_module(f"{PACKAGE}.models"), name)

    def file(self, **more: Any) -> Any:
        return importlib.import_module(f"{PACKAGE}.types").File(**more)


def generate(document: dict[str, Any], folder: Path) -> None:
    """Makes the package under the folder. A warning of the generator fails: it means that a part is missing."""
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "config.yaml").write_text(json.dumps(CONFIG))
    options = {"--path": folder / "openapi.json", "--output-path": folder / PACKAGE, "--config": folder / "config.yaml", "--meta": "none"}
    told = [str(word) for option in options.items() for word in option]
    made = subprocess.run(
        [str(GENERATOR), "generate", *told, "--fail-on-warning"], capture_output=True, text=True, timeout=HANG_S, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr


@contextmanager
def client(desk: Desk, folder: Path) -> Iterator[Client]:
    """The client of what this desk's server documents, with the desk's token."""
    generate(desk.session.get(f"{desk.url}/openapi.json", timeout=HANG_S).json(), folder)
    sys.path.insert(0, str(folder))
    try:
        made = importlib.import_module(PACKAGE).AuthenticatedClient(
            base_url=desk.url, token=desk.token, raise_on_unexpected_status=True, httpx_args={"trust_env": False}
        )
        with made as session:
            yield Client(session)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
