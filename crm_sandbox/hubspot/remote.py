"""A client for a sandbox HubSpot's own controls, besides those that every sandbox has."""

from collections.abc import Iterable, Sequence
from typing import Any

from crm_sandbox.remote import Record, Remote


class HubspotRemote(Remote):
    """The controls of one running sandbox HubSpot."""

    def edit_many(self, object_name: str, fields: Record, *, ids: Sequence[str] | None = None, count: int | None = None) -> list[str]:
        """A person's bulk edit, of these records or of the first so many: one stamp for all of them. Their ids."""
        chosen = {"count": count} if ids is None else {"ids": list(ids)}
        found: list[str] = self._object("POST", "edit_many", {"object": object_name, "fields": fields, **chosen})["ids"]
        return found

    def lag_search(self, seconds: float) -> None:
        """From now on search sees a write so much later."""
        self._object("POST", "lag", {"seconds": seconds})

    def keep_merged_ids(self, *, on: bool = True) -> None:
        """Whether a merge keeps the primary's id, or makes a record with a new one."""
        self._object("POST", "merging", {"keeps_id": on})

    def associations(self, object_name: str) -> list[Record]:
        """`id`, `to_id` and `labels` of every record's companies, archived ones left out."""
        return self._list("GET", "associations", params={"object": object_name, "to": "companies"})

    def associate(self, object_name: str, record_id: str, company_id: str, *labels: str) -> None:
        """A person gives a record and a company these labels, and no others."""
        wish = {"object": object_name, "id": record_id, "to": "companies", "to_id": company_id, "labels": list(labels)}
        self._object("POST", "associations", wish)

    def part(self, object_name: str, record_id: str, company_id: str) -> None:
        """A person takes a record and a company apart."""
        self._object("DELETE", "associations", {"object": object_name, "id": record_id, "to": "companies", "to_id": company_id})

    def change_options(self, object_name: str, field: str, **wish: Sequence[str]) -> None:
        """An admin changes a property's options; `wish` are `add`, `hide` and `delete` (values). Records keep what they hold."""
        self._object("POST", "options", {"object": object_name, "field": field, **{verb: list(values) for verb, values in wish.items()}})

    def archive_property(self, object_name: str, field: str, *, archived: bool = True) -> None:
        """An admin archives a property, or restores it with the values that records hold."""
        self._object("POST", "archive_property", {"object": object_name, "field": field, "archived": archived})

    def answer_writes(self, **wish: Any) -> None:
        """What answers to writes tell of a record's stamp, and what is stored instead; see `write_answers` in docs/sandbox.md."""
        self._object("POST", "write_answers", wish)

    def limit_label(self, object_name: str, label: str | None, most: int | None) -> None:
        """How many companies a record may have under a label from now on; `label` None: at all; `most` None: any number."""
        self._object("POST", "label_limits", {"object": object_name, "to": "companies", "label": label, "most": most})

    def add_token(self, scopes: Iterable[str] | None = None) -> str:
        """Another app's static token, with all scopes unless it says which."""
        return str(self._object("POST", "tokens", {} if scopes is None else {"scopes": list(scopes)})["access_token"])

    def consent(self, **wish: Any) -> str:
        """A person connects the app; the code for the token endpoint. `wish` are `scopes` and `redirect_uri`."""
        return str(self._object("POST", "tokens/consent", wish)["code"])

    def rotate_token(self, **wish: Any) -> str:
        """A new static token; the old one works on for the grace. `wish` are `token` and `grace_s`."""
        return str(self._object("POST", "tokens/rotate", wish)["access_token"])

    def revoke_token(self, token: str | None = None) -> bool:
        """A token ends now, the static one unless it says which; whether there was one."""
        return bool(self._object("POST", "tokens/revoke", {} if token is None else {"token": token})["revoked"])

    def change_scopes(self, *, remove: Iterable[str] = (), add: Iterable[str] = ()) -> None:
        """What an admin takes from every app in the account, or gives it."""
        self._object("POST", "scopes", {"remove": list(remove), "add": list(add)})

    def enforce_limits(self) -> dict[str, int]:
        """The vendor's own limits for the portal's tier from now on: 190 calls in ten seconds (free: 100), five searches a second, …"""
        return self._object("POST", "limit", {"enforce": True})

    def set_limits(self, **wish: int) -> dict[str, int]:
        """Any of `ten_secondly`, `ten_secondly_oauth`, `secondly` and `daily`, and with `used` how many calls of the day were made."""
        return self._object("POST", "limit", wish)

    def add_validation_rule(
        self, object_name: str, field: str, op: str, value: Any = None, *, message: str | None = None, **more: Any
    ) -> None:
        """From now on such records are refused. `more` are `error` (a code), `on` (`create`) and `when` (other properties' values)."""
        wish = {"object": object_name, "field": field, "op": op, "value": value, "message": message, **more}
        self._list("POST", "validation_rules", wish)

    def set_webhooks(self, url: str, subscriptions: Sequence[Record], **more: Any) -> None:
        """Tell an address. A subscription has the vendor's names: `eventType`, `propertyName`, `objectTypeId`.

        `more` are `max_concurrent`, `public_url` (what is signed) and `auto` (without waiting for `deliver_webhooks`).
        """
        self._object("POST", "webhooks", {"url": url, "subscriptions": list(subscriptions), **more})

    def webhooks(self) -> dict[str, Any]:
        """`settings`, `subscriptions` and what is `queued`."""
        return self._object("GET", "webhooks")

    def clear_webhooks(self) -> None:
        """No notification is sent any longer."""
        self._object("DELETE", "webhooks")

    def deliver_webhooks(self, **wish: Any) -> dict[str, int]:
        """Send what is due; `wish` are `batch_size`, `repeat`, `shuffle`, `force`, `event_id`. Counts of what became of it."""
        return self._object("POST", "webhooks/deliver", wish)

    def lose_webhooks(self, seconds: float) -> dict[str, Any]:
        """What waits, and what happens for so long, is never told."""
        return self._object("POST", "webhooks/lose", {"seconds": seconds})

    def deliveries(self) -> list[dict[str, Any]]:
        """Every notification request that was made: `at`, `url`, `status`, `events`."""
        return self._list("GET", "webhooks/deliveries")
