"""Whether a code that a person names exists. A mistyped code would find nothing, and that looks as if all were well."""

from __future__ import annotations

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.problem import CODES
from sync_worker.domain.operate.recovery import CRM_CODES
from sync_worker.nearest import nearest
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx


def unknown_code(tx: Tx, code: str | None) -> Refusal | None:
    """A refusal with the nearest code, where it is neither ours, nor one of the CRM's own that people meet most, nor was ever met here."""
    if code is None or code in CODES or code in CRM_CODES:
        return None
    met = failures.codes(tx)
    if code in met:
        return None
    near = nearest(code, sorted({*CODES, *CRM_CODES, *met}))
    meant = f"did you mean {near}?" if near else "see docs/codes.md, or: sync-worker failures codes"
    why = f"there is no code {code}, and no failure of portal {tx.portal} ever had it"
    return Refusal("code_unknown", why, meant, (near,) if near else (), "code")
