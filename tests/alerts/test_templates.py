"""Templates of one's own that break: every alert still goes out, and the operator hears it once, over restarts too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.message import Format, Reader
from alerts.operator import template_alerts
from alerts.proof import BARE_ALERT, FULL_ALERT
from alerts.render import Renderer
from storage.alerts import AlertStore
from storage.database import Database, open_database
from storage.templates import TemplateStore
from tests.alerts.test_messages import KEY, evidence
from tests.house import House
from tests.receiver import Receiver
from tripoint.app.cli.doctor import _templates
from tripoint.app.settings import load_settings

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def looker(database: Database, folder: Path | None) -> Callable[[], list[str]]:
    """Return what looks at the templates as a new process does, and returns the titles of alerts that came of it."""
    store, templates = AlertStore(database), TemplateStore(database)

    def look() -> list[str]:
        known = len(store.history(limit=99))
        states = Renderer(folder, tell=lambda _line: None).try_templates()
        templates.note(states, lambda state, story: template_alerts(state, story, NOW, ["operator"]))
        alerts = store.history(limit=99)
        return [each.queued.alert.evidence.title for each in alerts[: len(alerts) - known]]

    return look


def test_the_operator_hears_once_that_it_broke_and_once_that_it_works(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "alert.text.j2"
    look = looker(database, tmp_path)
    assert look() == []
    file.write_text("{{ nothing }}", encoding="utf-8")
    assert look() == ["Your template alert.text.j2 is broken; messages are written by ours instead"]
    assert look() == []
    file.write_text("{{ nothing.else }}", encoding="utf-8")
    assert look() == []  # still broken
    file.write_text("{{ title }}", encoding="utf-8")
    assert look() == ["Your template alert.text.j2 works again"]
    assert look() == []
    file.write_text("{{ nothing }}", encoding="utf-8")
    assert len(look()) == 1
    file.unlink()
    assert look() == ["Your template alert.text.j2 is gone; messages are written by ours"]
    assert looker(database, None)() == []


def test_a_mistake_in_a_file_that_is_included(database: Database, tmp_path: Path) -> None:
    (tmp_path / "digest.html.j2").write_text("{% include 'foot.j2' %}", encoding="utf-8")
    look = looker(database, tmp_path)
    assert len(look()) == 1
    (tmp_path / "foot.j2").write_text("{{ reference }}", encoding="utf-8")
    assert look() == ["Your template digest.html.j2 works again"]


def test_a_mistake_that_shows_with_some_alerts_only_is_told_until_the_file_changes(
    database: Database, tmp_path: Path
) -> None:
    """Trap: what was made up for a trial would pass, and the operator hear that it works again."""
    file = tmp_path / "alert.text.j2"
    file.write_text("{{ title }}{% if title == 'Rare' %}{{ 1 / 0 }}{% endif %}", encoding="utf-8")
    store, templates, renderer = AlertStore(database), TemplateStore(database), Renderer(tmp_path, tell=print)

    def look(by: Renderer) -> int:
        return templates.note(by.try_templates(), lambda state, story: template_alerts(state, story, NOW, ["operator"]))

    assert look(renderer) == 0
    assert "Rare" in renderer.render(evidence("Rare"), KEY, Reader(Format.TEXT)).body
    assert look(renderer) == 1
    assert look(renderer) == look(Renderer(tmp_path)) == 0
    told = store.history()[0].queued.alert.evidence
    assert "ZeroDivisionError" in told.sentences[0].text
    file.write_text("{{ title }}", encoding="utf-8")
    assert look(renderer) == 1


@pytest.mark.parametrize(
    "template",
    ["{% include 'alert.text.j2' %}", "{% for x in range(10**9) %}x{% endfor %}", "{{ self.x.y() }}", "\udcff"],
)
def test_no_mistake_keeps_an_alert_back(tmp_path: Path, template: str) -> None:
    (tmp_path / "alert.text.j2").write_bytes(template.encode("utf-8", "surrogateescape"))
    told: list[str] = []
    renderer = Renderer(tmp_path, tell=told.append)
    for each in (FULL_ALERT, BARE_ALERT):
        ours = Renderer().render(each, KEY, Reader(Format.TEXT))
        assert renderer.render(each, KEY, Reader(Format.TEXT)) == ours
    assert len(told) == 1


def test_the_operators_channel_alone_hears_it_in_a_house(house: House) -> None:
    templates = house.folder / "templates"
    templates.mkdir()
    (templates / "alert.text.j2").write_text("{{ nothing }}", encoding="utf-8")
    house.settings["alerts"] = {"templates": str(templates), "operator": ["operator"]}
    house.settings["crawl"]["workers"] = 0
    house.settings["channels.operator"] = {"url_env": "OPERATOR", "language": "vi", "format": "text"}
    house.settings["channels.desk"] = {"url_env": "DESK"}
    with Receiver(lambda path, number: (200, {}, "ok")) as server:
        house.environment = {each.upper(): f"json://{server.address}/{each}" for each in ("operator", "desk")}
        house.run("jobs", "run", "templates")
        ((path, payload),) = server.received
        assert path == "/operator"
        assert "Mẫu alert.text.j2 của bạn bị lỗi" in str(payload)
        assert "UndefinedError" in str(payload)
        (templates / "alert.text.j2").write_text("OURS {{ title }}", encoding="utf-8")
        house.run("jobs", "run", "deliver")  # whatever delivers looks first
        assert [path for path, _ in server.received] == ["/operator"] * 2
        assert "OURS Mẫu alert.text.j2 của bạn dùng được trở lại" in str(server.received[1][1])


def test_doctor_tries_the_templates(tmp_path: Path) -> None:
    settings = load_settings(None, {"alerts": {"templates": tmp_path}}, {})
    (none,) = _templates(settings)
    assert "no template that is used" in none.found
    (tmp_path / "alert.text.j2").write_text("{{ nothing }}", encoding="utf-8")
    (tmp_path / "digest.text.j2").write_text("{{ headline }}", encoding="utf-8")
    broken, works = _templates(settings)
    assert not broken.good
    assert broken.found.startswith("alert.text.j2: UndefinedError")
    assert (works.good, works.found) == (True, "digest.text.j2: works")
