"""A client for the sandbox's controls, for tests, the demo and people at a prompt. See docs/sandbox.md for what each does."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

import requests

Record = dict[str, Any]
TIMEOUT_S = 30  # a dump of many records, or a re-seed


class ControlError(Exception):
    """The sandbox refused a control: its words, and the status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status


class Remote:
    """The controls of one running sandbox. One thread at a time; `close` it, or use it as a context manager."""

    def __init__(self, base_url: str) -> None:
        self._root = f"{base_url.rstrip('/')}/__sandbox__"
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy of the machine does not reach our loopback

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def health(self) -> dict[str, Any]:
        """Alive, and how many records of each type there are."""
        return self._object("GET", "health")

    def records(self, object_name: str, ids: Iterable[str] | None = None) -> list[Record]:
        """Raw records with every field, deleted ones too, in the order of ids."""
        params = None if ids is None else {"ids": ",".join(ids)}
        return self._list("GET", f"records/{object_name}", params=params)

    def record(self, object_name: str, record_id: str) -> Record:
        """One raw record, deleted or not.

        Raises: KeyError.
        """
        found = self.records(object_name, [record_id])
        if not found:
            raise KeyError(record_id)
        return found[0]

    def named(self, object_name: str, name: str) -> Record:
        """The first record, neither deleted nor archived, of that name.

        Raises: KeyError.
        """
        for record in self.records(object_name):
            is_named = name in (record.get("Name"), record.get("name"), record.get("dealname"))
            if is_named and not record.get("IsDeleted") and not record.get("archived"):
                return record
        raise KeyError(name)

    def create(self, object_name: str, fields: Record) -> str:
        """A record entered by a person; its id."""
        return str(self._object("POST", f"records/{object_name}", fields)["id"])

    def edit(self, object_name: str, record_id: str, fields: Record) -> dict[str, Record]:
        """A record changed by a person; `before` and `after`: the record as it was, and as it is now."""
        return self._object("PATCH", f"records/{object_name}/{record_id}", fields)

    def delete(self, object_name: str, record_id: str) -> None:
        """A record put into the recycle bin by a person."""
        self._object("DELETE", f"records/{object_name}/{record_id}")

    def undelete(self, ids: Sequence[str]) -> None:
        """Records back from the recycle bin."""
        self._object("POST", "undelete", {"ids": list(ids)})

    def hard_delete(self, ids: Sequence[str]) -> None:
        """Records gone without a trace."""
        self._object("POST", "hard_delete", {"ids": list(ids)})

    def hide(self, ids: Sequence[str]) -> None:
        """Records that the client does not see from now on, as they stand."""
        self._object("POST", "sharing", {"ids": list(ids), "shared": False})

    def show(self, ids: Sequence[str]) -> None:
        """Hidden records that the client sees again, their stamps as they were."""
        self._object("POST", "sharing", {"ids": list(ids), "shared": True})

    def merge(self, master: str, losers: Sequence[str]) -> str:
        """One or two records merged into the master; the id of what they became."""
        return str(self._object("POST", "merge", {"master": master, "losers": list(losers)})["id"])

    def convert_lead(
        self,
        lead_id: str,
        *,
        copy_mapping: bool = True,
        omit: Sequence[str] = (),
        create_opportunity: bool = True,
        account_id: str | None = None,
    ) -> dict[str, str | None]:
        """A lead converted; ConvertedAccountId, ConvertedContactId and ConvertedOpportunityId."""
        wish = {
            "id": lead_id,
            "copy_mapping": copy_mapping,
            "omit": list(omit),
            "create_opportunity": create_opportunity,
            "account_id": account_id,
        }
        return self._object("POST", "convert_lead", wish)

    def fault(
        self,
        call: str = "*",
        *,
        object_name: str | None = None,
        above: int | None = None,
        holding: str | None = None,
        times: int = 1,
        after: int = 0,
        status: int | None = None,
        body: Any = None,
        error_code: str | None = None,
        message: str | None = None,
        latency_ms: int = 0,
        hold: bool = False,
        when: Literal["before", "after_commit", "late"] = "before",
        late_s: float = 0,
        headers: dict[str, str] | None = None,
        date: str | None = None,
        spoil: dict[str, str] | None = None,
        drop_connection: bool = False,
        cut_body: bool = False,
        record: bool = False,
    ) -> None:
        """Order a fault. `record=True`: single records of a call fail with `error_code`, not the call.

        `when="late"`: the call is done `late_s` seconds later by the sandbox's clock; its caller is told what else is ordered.
        """
        wish = {
            "call": call,
            "object": object_name,
            "above": above,
            "holding": holding,
            "times": times,
            "after": after,
            "status": status,
            "body": body,
            "error_code": error_code,
            "message": message,
            "latency_ms": latency_ms,
            "hold": hold,
            "when": when,
            "late_s": late_s,
            "headers": headers,
            "date": date,
            "spoil": spoil,
            "drop_connection": drop_connection,
            "cut_body": cut_body,
            "record": record,
        }
        self._object("POST", "faults", wish)

    def faults(self) -> list[dict[str, Any]]:
        """Every order, with its `hits`."""
        return self._list("GET", "faults")

    def clear_faults(self) -> None:
        """No orders any more; calls that an order holds go on."""
        self._list("DELETE", "faults")

    def now(self) -> datetime:
        """The sandbox's time, aware UTC."""
        return datetime.fromisoformat(self._object("GET", "clock")["now"])

    def advance_clock(self, seconds: float) -> datetime:
        """Move the sandbox's clock; the new time."""
        return self._clock({"advance_s": seconds})

    def set_clock(self, now: datetime) -> datetime:
        """Set the sandbox's clock; the new time."""
        return self._clock({"now": now.isoformat()})

    def freeze(self, *, frozen: bool = True) -> datetime:
        """Stop the sandbox's clock, or let it run again; the time."""
        return self._clock({"frozen": frozen})

    def write_late(self, seconds: float, *, times: int = 1) -> None:
        """The next writes carry a SystemModstamp that far in the past."""
        self._object("POST", "late", {"seconds": seconds, "times": times})

    def set_replication(self, *, lag_s: float = 0, max_ids: int = 600_000, deleted_since: datetime | None = None) -> None:
        """How far `updated` and `deleted` reach: how late they are, how many ids they give, when the log of deletions was purged."""
        wish: dict[str, Any] = {"lag_s": lag_s, "max_ids": max_ids}
        if deleted_since is not None:
            wish["deleted_since"] = deleted_since.isoformat()
        self._object("POST", "replication", wish)

    def set_latency(self, ms: float, *, kinds: Mapping[str, float] | None = None, done_at: float = 0.5) -> None:
        """How long calls take from now on, and in `kinds` how long calls of some kinds take. Those in flight follow it too.

        `done_at`: the share of it that passes before the work is done; 0 holds an answer that is ready. A stopped clock holds every call.
        """
        self._object("POST", "latency", {"ms": ms, "kinds": dict(kinds or {}), "done_at": done_at})

    def calls(self) -> dict[str, Any]:
        """`kinds` (counts by kind of call), `seconds` (each kind by second since the first call), `statuses`, `total`, `refused_again`
        (requests that got 429 twice in a row), `in_flight` (`now`, `most`, `most_by_kind`), and `api_usage` (`used`, `limit`).
        """
        return self._object("GET", "calls")

    def reset_calls(self) -> None:
        """Counts by kind begin again."""
        self._object("DELETE", "calls")

    def expire_tokens(self) -> None:
        """Every access token ends now."""
        self._object("POST", "expire_tokens")

    def login(self, **changes: Any) -> dict[str, Any]:
        """What a client needs to log in by any flow, after changes: `public_key`, `soap_login`, `rotates_refresh_tokens`, …"""
        return self._object("POST", "login", changes) if changes else self._object("GET", "login")

    def set_user(self, username: str, **changes: bool) -> None:
        """`active`, and `approved`: whether the user has approved the client, which JWT asks for."""
        self._object("POST", "user", {"username": username, **changes})

    def move_instance(self, url: str | None = None) -> str:
        """The org moves to another address, which is returned; the old host answers as gone."""
        return str(self._object("POST", "instance", {} if url is None else {"url": url})["instance_url"])

    def set_bulk(self, *, polls: int | None = None, fail: str | None = None, family: Literal["query", "ingest"] = "query") -> None:
        """How often bulk jobs say InProgress before they are done; with `fail`, the next job of the family fails with those words."""
        wish = {"polls": polls, "fail": fail}
        self._object("POST", "bulk", {"family": family} | {name: value for name, value in wish.items() if value is not None})

    def add_validation_rule(
        self, object_name: str, field: str, op: str, value: Any = None, *, message: str = "Custom validation rule failed"
    ) -> None:
        """From now on a record whose field `op`s the value is refused."""
        wish = {"object": object_name, "field": field, "op": op, "value": value, "message": message}
        self._list("POST", "validation_rules", wish)

    def clear_validation_rules(self) -> None:
        """No validation rules any more."""
        self._list("DELETE", "validation_rules")

    def set_duplicate_rule(self, object_name: str = "Lead", *, on: bool = True) -> None:
        """Whether a duplicate rule watches creates of that type."""
        self._object("POST", "duplicate_rule", {"object": object_name, "on": on})

    def set_assignment_rule(self, *, on: bool) -> None:
        """Whether leads are re-routed for clients that do not say Sforce-Auto-Assign: FALSE."""
        self._object("POST", "assignment_rule", {"on": on})

    def set_daily_limit(self, daily: int, *, used: int | None = None) -> None:
        """How many API calls the org has a day, and has made."""
        self._object("POST", "limit", {"daily": daily} | ({} if used is None else {"used": used}))

    def set_long_calls(self, most: int, *, seconds: float = 20) -> None:
        """How many calls that have lasted so long an org may have in flight: 25 at the start, 5 in trials and developer orgs."""
        self._object("POST", "limit", {"long_calls": most, "long_call_s": seconds})

    def set_row_locks(self, *, wait_s: float = 10, lookups: Literal["changed", "always", "never"] = "changed") -> None:
        """How long a write waits for a row that another call holds, and when a lookup other than AccountId locks its account."""
        self._object("POST", "row_locks", {"wait_s": wait_s, "lookups": lookups})

    def hold_rows(self, ids: Iterable[str]) -> None:
        """From now on somebody's long transaction has these rows, and no others; none: it is over."""
        self._object("POST", "row_locks", {"hold": list(ids)})

    def hide_field(self, object_name: str, field: str, *, hidden: bool = True) -> None:
        """Field-level security hides a field from the client, or shows it again."""
        self._object("POST", "hide_field", {"object": object_name, "field": field, "hidden": hidden})

    def tell_lead_mapping(self, fields: dict[str, str] | None) -> None:
        """The Metadata API tells the integration user that leads convert like this, lead field → opportunity field; None: nothing."""
        self._object("POST", "lead_mapping", {"fields": fields})

    def add_field(self, object_name: str, name: str, kind: str, **more: Any) -> None:
        """An admin adds a custom field; `more` are keys of the sandbox's own schema, such as `length` or `values`."""
        self._object("POST", "fields", {"object": object_name, "name": name, "type": kind, **more})

    def change_picklist(self, object_name: str, field: str, **wish: Any) -> None:
        """An admin changes a list; `wish` are `add`, `retire` and `delete` (values), and `restricted`. Records keep what they hold."""
        self._object("POST", "picklist", {"object": object_name, "field": field, **wish})

    def leave_out(self, **wish: Any) -> None:
        """Answers leave out what is `empty`; see `left_out` in docs/sandbox.md for the other keys."""
        self._object("POST", "left_out", wish)

    def set_currencies(self, *codes: str) -> None:
        """The currencies in which people may have deals from now on; at Salesforce that turns several currencies on."""
        self._object("POST", "currencies", {"codes": codes})

    def subscribe(self, object_name: str, fields: Sequence[str], url: str, **more: Any) -> None:
        """Outbound messages to an address; `more` are `organization_id`, `auto`, `deleted`, `ignores_integration_user`."""
        self._list("POST", "outbound_messages", {"object": object_name, "fields": list(fields), "url": url, **more})

    def deliver_messages(self, **wish: Any) -> dict[str, Any]:
        """Send what is due; `wish` are `batch_size`, `repeat`, `shuffle`, `force`. Counts of what became of it."""
        return self._object("POST", "outbound_messages/deliver", wish)

    def reset(self) -> None:
        """Everything as it was at the start; the clock stays."""
        self._object("POST", "reset")

    def _clock(self, wish: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(self._object("POST", "clock", wish)["now"])

    def _object(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._ask(method, path, body)
        assert isinstance(answer, dict)  # noqa: S101 - the sandbox's own answer
        return answer

    def _list(self, method: str, path: str, body: Any = None, *, params: dict[str, str] | None = None) -> list[Any]:
        answer = self._ask(method, path, body, params=params)
        assert isinstance(answer, list)  # noqa: S101 - the sandbox's own answer
        return answer

    def _ask(self, method: str, path: str, body: Any = None, *, params: dict[str, str] | None = None) -> Any:
        response = self._http.request(method, f"{self._root}/{path}", json=body, params=params, timeout=TIMEOUT_S)
        if response.status_code != 200:
            raise ControlError(response.status_code, response.text)
        return response.json()
