"""One measurement in a process of its own: an order as JSON on the command line, the figures as JSON on standard output."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.databases import Database, server_cpu


def main() -> None:
    order = json.loads(sys.argv[1])
    print(json.dumps(_measured(order)))


def _measured(order: dict[str, Any]) -> dict[str, Any]:
    database = Database(**order["database"])
    server = server_cpu(database)
    if order["what"] == "floor":
        from benchmarks import floor

        return floor.load(order["crm"], order["base_url"], tuple(order["client"]), database.url, order["queries"], server)
    if order["what"] == "rows":
        from benchmarks import rows

        return rows.write_again(order["source"], database.url.removeprefix("sqlite:///"), order["companies"])
    if order["what"] == "vendor's client":
        from benchmarks import vendor_client

        return vendor_client.listed(order["base_url"], order["client"][1], order["queries"])
    from benchmarks import profile, work
    from benchmarks.crms import CRMS

    crm = CRMS[order["crm"]].set(order["settings"])
    with closing(work.installed(crm, order["base_url"], Path(order["folder"]), database.url)) as installation:
        if order["what"] == "queries":
            return {"queries": work.queries(crm, installation)}
        watch = profile.sampled if order["what"] == "profile" else profile.unsampled
        return work.perform(installation, order["base_url"], order["verbs"], server=server, watch=watch)


if __name__ == "__main__":
    main()
