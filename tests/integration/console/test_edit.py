"""The portal file and the mapping in the console: a mistake at its line, a preview, a save with a reason; and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from crm_sandbox.remote import Remote
from sync_worker.domain.people.console import EVERY_PORTAL
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Page, Visitor, console, operator
from tests.integration.steps.world import MAPPINGS, PORTAL, Loaded

AT: Final = "/console/portals/acme/configuration"
REGIONS: Final = "[AMER, APAC, EMEA, LATAM]"
MISREAD: Final = "{AMER: AMER, APAC: APAC, EMEA: Europe, LATAM: LATAM}"
TIERS: Final = "[Registered, Silver, Gold, Platinum]"
RENAMED: Final = "{Registered: Registered, Silver: Silver, Gold: Gold, Platinum: Top}"


@pytest.fixture
def shared(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """`acme`, `beta` and `gamma`, whose files name the same mapping. `gamma` is disabled. Each file has a line for each key."""
    shutil.copytree(MAPPINGS, tmp_path / "mappings")
    (tmp_path / "config" / "portals").mkdir(parents=True)
    beta = {**PORTAL, "portal": "beta", "overrides": {"company.attributes.tier.native": "Tier__c"}}
    crm = {"crm": {**PORTAL["crm"], "base_url": sandbox}}
    written(tmp_path / "config" / "portals" / "beta.yaml", {**beta, **crm})
    written(tmp_path / "config" / "portals" / "gamma.yaml", {**PORTAL, "portal": "gamma", **crm, "two_tier": "perhaps"})
    with console(tmp_path, sandbox, loaded, settings={"mappings_dir": tmp_path / "mappings"}) as made:
        file = portal_file(made)
        written(file, json.loads(file.read_text()))
        yield made


def written(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")


def portal_file(acme: Desk) -> Path:
    return acme.installation.settings.config_dir / "portals" / "acme.yaml"


def mapping_file(acme: Desk) -> Path:
    return acme.installation.settings.mappings_dir / "salesforce.yaml"


def opened(acme: Desk, link: str, home: str = EVERY_PORTAL) -> tuple[Visitor, Page]:
    """An operator who has followed this link of the configuration."""
    visitor = operator(acme, home=home)
    return visitor, visitor.open(visitor.open(AT).links[link])


def edits(acme: Desk, portal: str = "acme") -> list[Intervention]:
    with acme.installation.store.reading(portal) as tx:
        return interventions.listed(tx, "edit")


def test_a_mistake_stands_at_its_line_and_a_right_text_is_previewed_and_saved(shared: Desk) -> None:
    # Given an operator who edits the portal file
    file = portal_file(shared)
    text, mode = file.read_text(), 0o640
    file.chmod(mode)
    ann, page = opened(shared, "Edit the portal file")
    assert "${SF_SECRET}" in page.words
    assert "Save" not in page.form_of("Check it").buttons
    # When the text has a mistake, and a secret in the place of its variable
    wrong = text.replace('"two_tier": true', '"two_tier": "perhaps"').replace("${SF_SECRET}", "hunter2")
    refused = ann.press(page, "Check it", text=wrong)
    # Then each stands beside its line, the secret is in the text alone, and nothing can be saved
    assert refused.status == 422
    line = next(number for number, one in enumerate(wrong.splitlines(), 1) if "two_tier" in one)
    assert f"acme.yaml:{line}:15" in refused.rows
    assert "a secret must not stand in the file" in refused.words
    assert refused.html.count("hunter2") == 1
    assert ann.press(page, "Check it", text=wrong).form_of("Check it").buttons.keys() == {"Check it"}
    assert ann.send(f"{AT}/files/portal/save", {**dict(page.form_of("Check it").fields), "text": wrong, "reason": "x"}).status_code == 422
    # And when it is right, the preview says what would change and what it costs
    right = text.replace('"two_tier": true', '"brake": "40%",\n  "two_tier": true')
    checked = ann.press(page, "Check it", text=right)
    assert "A start would take this text" in checked.words
    preview = ann.press(checked, "Preview", text=right, depth="changes")
    assert "nothing was saved" in preview.words
    assert "A pull and a push would take about" in preview.words
    assert file.read_text() == text
    # Then it is saved with a reason only, with the file's mode, and the page says who did it and why
    assert "say why" in ann.press(preview, "Save", text=right).words
    saved = ann.press(preview, "Save", text=right, reason="more room")
    assert (saved.status, file.read_text(), file.stat().st_mode & 0o777) == (200, right, mode)
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []
    for words in ("Ann (console)", "more room", "restart the processes"):
        assert words in saved.words
    assert [(act.actor, act.reason) for act in edits(shared)] == [("Ann (console)", "more room")]
    # And a text that was begun before that is refused, and shown to be copied
    late = ann.press(preview, "Save", text=f"{right}# mine\n", reason="me too")
    assert (late.status, file.read_text()) == (409, right)
    assert "was changed since this text was begun" in late.words
    assert "# mine" in late.words
    assert len(edits(shared)) == 1


def test_a_shared_mapping_is_checked_for_each_portal_and_edited_by_an_operator_of_all(shared: Desk, sandbox: str) -> None:
    # Given a mapping that two portals use, and records that are older than a reading's end
    with Remote(sandbox) as remote:
        remote.advance_clock(30)
    shared.clock.forward(seconds=30)
    file = mapping_file(shared)
    text = file.read_text()
    ann, page = opened(shared, "Edit the mapping")
    assert "acme, beta, gamma" in page.words
    # When the text is right for one of them only, or does not give what its examples say
    for_one = "\n".join(line for line in text.splitlines() if not line.startswith("    tier:"))
    refused = ann.press(page, "Check it", text=for_one)
    otherwise = ann.press(page, "Check it", text=text.replace(REGIONS, MISREAD))
    # Then it is refused, with the place in the other portal's file, or at the example
    assert refused.status == otherwise.status == 422
    assert "beta.yaml:" in refused.words
    assert "examples[0].portal.region" in otherwise.words
    # When it is right for both, its preview shows the records that would change
    right = text.replace(TIERS, RENAMED)
    checked = ann.press(page, "Check it", text=right)
    assert "gamma.yaml:" in checked.words, "a mistake that was there before is told, and refuses nothing"
    preview = ann.press(checked, "Preview", text=right, depth="full")
    assert "Companies that would change in the portal" in preview.words
    assert "Top" in preview.words
    # Then it is saved, and kept for both
    ann.press(preview, "Save", text=right, reason="as people say it")
    assert file.read_text() == right
    assert [act.reason for name in ("acme", "beta") for act in edits(shared, name)] == ["as people say it"] * 2
    # And an operator of one portal may edit that portal's file, and is not told who else uses the mapping
    bo, own = opened(shared, "Edit the portal file", "acme")
    assert own.status == 200
    turned_away = bo.open(f"{AT}/files/mapping")
    assert turned_away.status == 403
    assert "beta" not in turned_away.words
    for other in ("beta", "gamma"):
        (portal_file(shared).parent / f"{other}.yaml").unlink()
    assert bo.open(f"{AT}/files/mapping").status == 200


def test_a_file_with_a_mistake_is_mended_and_no_secret_is_sent_elsewhere(shared: Desk) -> None:
    # Given a file that is not YAML any more
    file = portal_file(shared)
    text = file.read_text()
    file.write_text(text[:-3])
    ann, page = opened(shared, "Edit the portal file")
    # When a text would send the portal's secrets to another address, it is refused
    moved = ann.press(page, "Check it", text=text.replace('"base_url": "http://', '"base_url": "http://localhost.evil.example@'))
    assert moved.status == 422
    assert "which secret goes to which address" in moved.words
    # Then the right one is saved
    assert ann.press(ann.press(page, "Check it", text=text), "Save", text=text, reason="a bracket").status == 200
    assert file.read_text() == text
    # And so is the file of a portal that is disabled for it, to which its configuration leads
    page = ann.open("/console/portals/gamma/configuration")
    right = (file.parent / "gamma.yaml").read_text().replace('"perhaps"', "true")
    assert "could not be made" in ann.press(ann.press(page, "Check it", text=right), "Preview", text=right).words
    ann.press(ann.press(page, "Check it", text=right), "Save", text=right, reason="yes")
    assert (file.parent / "gamma.yaml").read_text() == right
    # And a secret that stands in the file is on no page
    file.write_text(text.replace("${SF_SECRET}", "hunter2"))
    hidden = ann.open(f"{AT}/files/portal")
    assert (hidden.status, "hunter2" in hidden.html) == (409, False)


def test_a_preview_ends_after_its_time(shared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given no time for a preview
    monkeypatch.setattr("sync_worker.editing.PREVIEW_LASTS_S", 0.0)
    ann, page = opened(shared, "Edit the portal file")
    text = portal_file(shared).read_text()
    # When one is asked for, it ends with words, and the text stays on the page
    ended = ann.press(ann.press(page, "Check it", text=text), "Preview", text=text)
    assert "The preview was ended after" in ended.words
    assert '"portal": "acme"' in ended.words


def test_a_file_that_cannot_be_written_stays_and_the_text_can_be_copied(shared: Desk, tmp_path: Path) -> None:
    # Given a file in whose folder no other file can be made, here because its name is as long as names can be
    file = portal_file(shared)
    far = tmp_path / ("a" * 250)
    file.rename(far)
    file.symlink_to(far)
    text = far.read_text()
    ann, page = opened(shared, "Edit the portal file")
    # When a person saves a text
    checked = ann.press(page, "Check it", text=f"{text}# mine\n")
    refused = ann.press(checked, "Save", text=f"{text}# mine\n", reason="x")
    # Then nothing changed, nothing is kept, and the text is still on the page
    assert refused.status == 409
    assert "cannot be written here" in refused.words
    assert "# mine" in refused.words
    assert (far.read_text(), file.is_symlink(), edits(shared)) == (text, True, [])
