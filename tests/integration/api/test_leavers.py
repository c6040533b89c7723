"""People who are erased, deactivated or moved to another company while their request waits for its turn: nothing is done in their name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sync_worker.domain.core.user import Role, User
from sync_worker.store.core.engine import Tx
from sync_worker.store.operate import erasure as store_erasure
from sync_worker.store.people import people
from tests.integration.api.desk import Answer, Desk
from tests.integration.api.test_attached import HELLO, place, sent, texts
from tests.integration.api.test_journeys import JOURNEY
from tests.integration.steps.world import TERMS
from tests.patience import HANG_S, until


def while_it_waits(acme: Desk, send: Callable[[], Answer], happens: Callable[[Tx], object]) -> Answer:
    """The answer to a request whose change had to wait for its turn while something else was committed."""
    store = acme.installation.store
    with ThreadPoolExecutor(1) as pool:
        with store.transaction("acme") as tx:
            answer = pool.submit(send)
            until(lambda: bool(store._one_writer._waiting))
            happens(tx)
        return answer.result(HANG_S)


def deactivated(user: User) -> Callable[[Tx], object]:
    return lambda tx: people.save(tx, [replace(user, is_active=False)])


def erased(user: User) -> Callable[[Tx], object]:
    def happens(tx: Tx) -> None:
        store_erasure.erase(tx, user.id)
        store_erasure.forget_person(tx, user)

    return happens


def moved_away(user: User, company: str) -> Callable[[Tx], object]:
    return lambda tx: people.save(tx, [replace(user, primary_company=company)])


def test_a_person_who_goes_while_the_request_waits_writes_no_note_and_adds_no_file(shared: Desk) -> None:
    deal, before = shared.registered(), len(texts(shared, shared.registered()))
    birch, cedar = shared.id_of("Birch Systems"), shared.id_of("Cedar IT")
    users = [User(f"leaver-{number}", f"l{number}@example.com", "Lea", Role.MANAGER, birch) for number in range(4)]
    shared.users(*users)
    path = f"{place(deal)}/notes"
    for user, happens, code in (
        (users[0], erased(users[0]), "user_unknown"),
        (users[1], deactivated(users[1]), "user_inactive"),
        (users[2], moved_away(users[2], cedar), "deal_unknown"),
    ):
        answer = while_it_waits(shared, lambda user=user: shared.send("POST", path, HELLO, user=user.id), happens)  # type: ignore[misc]
        assert answer.json()["code"] == code, answer.text
    answer = while_it_waits(shared, lambda: sent(shared, deal, user=users[3].id), erased(users[3]))
    assert answer.json()["code"] == "user_unknown"
    assert (len(texts(shared, deal)), shared.get(f"{place(deal)}/files", user="vera")["items"]) == (before, [])


def test_a_person_who_is_erased_while_the_request_waits_registers_and_changes_no_deal(shared: Desk) -> None:
    deal = shared.registered()
    birch, reason = shared.id_of("Birch Systems"), {"reason": "we lost it"}
    users = [User(f"goer-{number}", f"g{number}@example.com", "Gus Goer", Role.MANAGER, birch) for number in range(2)]
    shared.users(*users)
    for user, path, body, version in (
        (users[0], "/deals", {**TERMS, "name": "By nobody"}, None),
        (users[1], f"{place(deal)}/withdraw", reason, deal["version"]),
    ):

        def send(user: User = user, path: str = path, body: object = body, version: int | None = version) -> Answer:
            return shared.send("POST", path, body, user=user.id, version=version)

        assert while_it_waits(shared, send, erased(user)).json()["code"] == "user_unknown"
    assert shared.get(place(deal), user="rita")["version"] == deal["version"]
    assert [one["name"] for one in shared.get("/deals?text=By%20nobody", user="vera")["items"]] == []


def test_an_admin_who_is_deactivated_while_the_request_waits_makes_no_journey(shared: Desk) -> None:
    admin = User("admin-2", "admin2@example.com", "Ada", Role.MANAGER, None, is_vendor_admin=True)
    shared.users(admin)
    wish = {**JOURNEY, "key": "by-a-leaver", "confirm_users": 100}
    answer = while_it_waits(shared, lambda: shared.send("POST", "/journeys", wish, user="admin-2"), deactivated(admin))
    assert answer.json()["code"] == "user_inactive"
    assert [one["key"] for one in shared.get("/journeys", user="vera")["items"]] == []
