"""The figures that Prometheus reads are those of what happened; rules and dashboard name nothing that is not there."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.house import House
from tests.newsroom import NewsroomThread, Status, load_desk
from tests.operation.scraped import Scraped, scrape_after_a_pass
from tests.servers import missing

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "tripoint.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "tripoint.json"
NAME = re.compile(r"\b(?:tripoint|process)_[a-z_]+")
SELECTOR = re.compile(r"\b((?:tripoint|process)_[a-z_]+)\{([^}]*)\}")
MATCH = re.compile(r'(\w+)(=~|=)"([^"]*)"')
GROUPING = re.compile(r"\bby \(([^)]*)\)")
ADDED = {"instance", "job"}  # by Prometheus itself, to every sample


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scraped, NewsroomThread, int]]:
    """Return what a service said that has read the desk, in which one page is broken and one outlet is away."""
    desk = load_desk(datetime.now(UTC))
    with NewsroomThread([each.outlet for each in desk]) as room:
        house = House(tmp_path_factory.mktemp("house"))
        house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk])
        house.settings["crawl"]["follow_links"] = "none"
        outlets = [each.outlet.name for each in desk]
        room.behave(outlets[0], "/rss.xml", Status(503))
        articles = sum(page.kind == "article" for each in desk[1:] for page in each.pages)
        broken = next(page.page.path for page in desk[1].pages if page.kind == "article")
        room.behave(outlets[1], broken, Status(404))
        yield scrape_after_a_pass(house, room, articles - 1), room, articles - 1


def test_what_happened_is_counted(scraped: tuple[Scraped, NewsroomThread, int]) -> None:
    found, room, articles = scraped
    assert found.value("tripoint_fetches_total") == len(room.requests)
    assert found.value("tripoint_fetches_total", status="5xx") == 1
    assert found.value("tripoint_fetches_total", status="4xx") >= 1
    assert found.value("tripoint_fetched_bytes_total") > 1000 * articles
    assert found.value("tripoint_articles_total") == articles == found.value("tripoint_stored_articles")
    relevant = found.value("tripoint_relevant_articles_total")
    assert 0 < relevant < articles
    assert found.value("tripoint_stored_relevant_articles") == relevant
    assert found.value("tripoint_read_seconds_count", what="page") >= articles
    assert found.value("tripoint_read_seconds_sum", what="page") > 0
    sent = found.value("tripoint_alerts", state="sent")
    assert sent > 0
    assert found.value("tripoint_deliveries_total", channel="console", outcome="accepted") == sent
    assert 0 < found.value("tripoint_alert_lag_seconds_count") <= sent
    assert found.value("tripoint_alert_delivery_seconds_count") == sent
    assert found.value("tripoint_alive") == 3
    assert found.value("process_open_fds") > 0


def test_the_age_of_the_last_good_poll_is_that_of_each_source(scraped: tuple[Scraped, NewsroomThread, int]) -> None:
    found, _, _ = scraped
    ages = {
        labels["source"]: value
        for name, labels, value in found.samples
        if name == "tripoint_source_last_good_poll_age_seconds"
    }
    assert [name for name, age in ages.items() if math.isinf(age)] == [
        next(iter(load_desk(datetime.now(UTC)))).outlet.name
    ]
    assert all(0 <= age < 60 for age in ages.values() if not math.isinf(age))
    assert found.value("tripoint_sources") == len(ages)


def test_labels_have_few_values_and_none_from_outside(scraped: tuple[Scraped, NewsroomThread, int]) -> None:
    found, _, _ = scraped
    known = {"channel", "le", "outcome", "part", "placement", "source", "state", "status", "version", "what"}
    assert {label for _, labels, _ in found.samples for label in labels} == known
    assert found.values_of("tripoint_fetches_total", "status") == {"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
    assert len(found.samples) < 150
    assert "http" not in found.text.replace("# HELP", "")
    assert "127.0.0.1" not in found.text


def expressions() -> dict[str, str]:
    """Return every query of rules and dashboard, by where it stands."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    said = {f"rule {each['alert']}": each["expr"] for group in rules for each in group["rules"]}
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        said |= {f"panel {panel['title']} {each['refId']}": each["expr"] for each in panel["targets"]}
    for each in board["templating"]["list"]:
        if each["type"] == "query":
            said[f"variable {each['name']}"] = each["query"]["query"]
    return said


def test_rules_and_dashboard_ask_only_for_what_is_there(scraped: tuple[Scraped, NewsroomThread, int]) -> None:
    found, _, _ = scraped
    there = {name for name, _, _ in found.samples}
    labels_there = {label for _, labels, _ in found.samples for label in labels} | ADDED
    asked = set()
    for place, query in expressions().items():
        names = set(NAME.findall(query))
        assert names <= there, f"{place}: {names - there}"
        asked |= names
        for name, selector in SELECTOR.findall(query):
            for label, how, wanted in MATCH.findall(selector):
                if label in ADDED:
                    continue
                values = found.values_of(name, label)
                wanted_values = set(wanted.split("|")) if how == "=~" else {wanted}
                assert wanted_values <= values, f"{place}: {label} is never {wanted_values - values}"
        for grouping in GROUPING.findall(query):
            assert set(re.findall(r"\w+", grouping)) <= labels_there, place
    ours = {name for name in there if name.startswith("tripoint_") and not name.endswith("_created")}
    assert {_family(each) for each in ours} - {_family(each) for each in asked} == set(), "a figure that nobody shows"


def _family(name: str) -> str:
    return re.sub(r"_(total|bucket|count|sum)$", "", name)


def promtool(*arguments: str, stdin: str = "", folder: Path | None = None) -> str:
    tool = shutil.which("promtool") or missing("promtool", "prometheus")
    done = subprocess.run([tool, *arguments], input=stdin, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_itself_reads_figures_and_rules(scraped: tuple[Scraped, NewsroomThread, int]) -> None:
    assert promtool("check", "metrics", stdin=scraped[0].text) == ""
    rules = len(yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"])
    assert f"{rules} rules found" in promtool("check", "rules", str(RULES))


# What makes each rule speak: series and their values, five minutes each. The other rules stay silent on these.
SPEAKING = {
    "TripointDown": [('up{job="tripoint"}', "0x80")],
    "TripointPartDead": [('tripoint_alive{part="writer"}', "0x80")],
    "TripointNothingFetched": [('tripoint_fetches_total{status="2xx"}', "500x80")],
    "TripointNobodyWatches": [("tripoint_standby", "1x80")],
    "TripointSourceSilent": [('tripoint_source_last_good_poll_age_seconds{source="x"}', "30000x80")],
    "TripointManySourcesBlind": [
        ('tripoint_sources{state="failing"}', "2x80"),
        ('tripoint_sources{state="healthy"}', "5x80"),
    ],
    "TripointFetchesFail": [
        ('tripoint_fetches_total{status="none"}', "0+9x80"),
        ('tripoint_fetches_total{status="2xx"}', "0+5x80"),
    ],
    "TripointPagesUnreadable": [
        ('tripoint_read_failures_total{what="page"}', "0+3x80"),
        ('tripoint_read_seconds_count{what="page"}', "0+9x80"),
    ],
    "TripointBacklog": [("tripoint_pages_waiting", "20000+10x80")],
    "TripointWriterBusy": [("tripoint_writer_waiting", "300x80")],
    "TripointChannelFailing": [('tripoint_channel_failing{channel="x"}', "1x80")],
    "TripointAlertsGivenUp": [('tripoint_alerts{state="dead"}', "1x80")],
    "TripointAlertsWait": [('tripoint_alerts{state="pending"}', "60x80")],
    "TripointAlertsLate": [
        ('tripoint_alert_lag_seconds_bucket{le="3600"}', "0x80"),
        ('tripoint_alert_lag_seconds_bucket{le="14400"}', "0+1x80"),
        ('tripoint_alert_lag_seconds_bucket{le="+Inf"}', "0+1x80"),
    ],
    "TripointFilesRunOut": [("process_open_fds", "900x80"), ("process_max_fds", "1024x80")],
}
AT_PEACE = [
    ('tripoint_standby{instance="a"}', "0x80"),
    ('tripoint_standby{instance="b"}', "1x80"),
    ('tripoint_fetches_total{status="2xx", instance="b"}', "0x80"),
    ('up{job="tripoint"}', "1x80"),
    ('tripoint_alive{part="writer"}', "1x80"),
    ('tripoint_fetches_total{status="2xx"}', "0+50x80"),
    ('tripoint_fetches_total{status="none"}', "0+1x80"),
    ('tripoint_source_last_good_poll_age_seconds{source="x"}', "600x80"),
    ('tripoint_sources{state="failing"}', "1x80"),
    ('tripoint_sources{state="healthy"}', "9x80"),
    ('tripoint_read_failures_total{what="page"}', "0+1x80"),
    ('tripoint_read_seconds_count{what="page"}', "0+9x80"),
    ("tripoint_pages_waiting", "20000-10x80"),
    ("tripoint_writer_waiting", "3x80"),
    ('tripoint_channel_failing{channel="x"}', "0x80"),
    ('tripoint_alerts{state="dead"}', "0x80"),
    ('tripoint_alerts{state="pending"}', "5x80"),
    ('tripoint_alert_lag_seconds_bucket{le="3600"}', "0+1x80"),
    ('tripoint_alert_lag_seconds_bucket{le="+Inf"}', "0+1x80"),
    ("process_open_fds", "90x80"),
    ("process_max_fds", "1024x80"),
]


def _case(series: list[tuple[str, str]], *firing: str) -> dict[str, object]:
    return {
        "interval": "5m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "6h",
                "exp_samples": [{"labels": f'{{alertname="{each}"}}', "value": 1} for each in firing],
            }
        ],
    }


def test_each_rule_speaks_when_it_should_and_not_else(tmp_path: Path) -> None:
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert {each["alert"] for each in rules} == set(SPEAKING)
    cases = [_case(series, name) for name, series in SPEAKING.items()] + [_case(AT_PEACE)]
    file = tmp_path / "rules_test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "5m", "tests": cases}))
    assert "SUCCESS" in promtool("test", "rules", str(file))
