"""The API: it answers as it describes itself, for every input that its description allows and many that it does not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS as EVERY_CHECK
from schemathesis.checks import load_all_checks

from tests.web.archive import HOSTILE
from tests.web.served import Served
from tests.web.test_door import TIMEOUT_S

load_all_checks()
CHECKS = EVERY_CHECK.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    ]
)
EXAMPLES = 12  # an operation; enough to meet each parameter wrong and right, and no more than CI has time for


def api(page: Served, path: str) -> Any:
    answer = requests.get(f"{page.address}/api/v1{path}", timeout=TIMEOUT_S)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_stories_and_their_reports(page: Served) -> None:
    story = page.story_of(HOSTILE[0])
    listed = api(page, "/stories?since=30d")["stories"]
    found = next(each for each in listed if each["story"] == story)
    assert len(found["reports"]) >= 2
    whole = api(page, f"/stories/{story[:10]}")
    assert whole["story"] == found
    assert {each["language"] for each in whole["sentences"]} == {"en", "vi"}
    for each in whole["sentences"]:
        assert all(0 <= start < end <= len(each["text"]) for start, end in each["spans"])


def test_an_article_with_hits_where_they_stand(page: Served) -> None:
    found = api(page, f"/articles/{page.article_of(HOSTILE[1])}")
    assert found["title"] == HOSTILE[1]
    judged = found["assessments"][0]
    assert judged["relevant"]
    assert judged["hits"]
    for hit in judged["hits"]:
        assert found[hit["zone"]][hit["start"] : hit["end"]] == hit["surface"]


def test_what_the_page_counts_the_api_counts(page: Served) -> None:
    days = api(page, "/volume?days=30")["days"]
    counts = page.stores.articles.counts()
    assert sum(each["relevant"] for each in days) == counts.relevant
    assert sum(each["articles"] for each in days) == counts.articles
    assert {each["state"] for each in api(page, "/alerts?state=dead")["alerts"]} == {"dead"}
    assert api(page, "/sources")["sources"][0]["state"] == "failing"
    topic = api(page, "/topics")["topics"][0]["name"]
    assert api(page, f"/topics/{topic}/threshold?threshold=1&days=365")["lost"] == counts.relevant


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/stories?sinse=7d", 400),
        ("/stories?since=soon", 400),
        ("/stories?since=0001-01-01T00:00%2B14:00", 400),
        ("/stories?limit=0", 400),
        ("/stories?limit=1&limit=2", 400),
        ("/stories?all=1", 400),
        ("/stories/nothing", 404),
        ("/articles/0x1", 404),
        ("/articles/%D9%A1", 404),
        ("/stories/%C2%B3", 404),
        ("/sources/nobody", 404),
        ("/topics/nothing/threshold", 404),
        ("/topics/russia-pakistan-us/threshold?threshold=nan", 400),
        ("/alerts?state=odd", 400),
        ("/nothing", 404),
    ],
)
def test_what_is_wrong_is_said_as_json(page: Served, path: str, code: int) -> None:
    answer = requests.get(f"{page.address}/api/v1{path}", timeout=TIMEOUT_S)
    assert answer.status_code == code
    assert answer.json()["status"] == code
    assert answer.json()["problem"]


def test_it_only_reads(page: Served) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert requests.request(method, f"{page.address}/api/v1/stories", timeout=TIMEOUT_S).status_code == 405


def test_the_description_is_shown_to_people_too(page: Served) -> None:
    said = requests.get(f"{page.address}/api/docs", timeout=TIMEOUT_S).text
    described = requests.get(f"{page.address}/api/openapi.json", timeout=TIMEOUT_S).json()
    for path in described["paths"]:
        assert f"/api/v1{path}" in said


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_it_answers_as_it_describes_itself(page: Served, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{page.address}/api/openapi.json")
    sent: Counter[str] = Counter()
    with requests.Session() as session:
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=[*HealthCheck],
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def answers(case: schemathesis.Case) -> None:
                sent[case.operation.path] += 1
                case.call_and_validate(session=session, checks=list(CHECKS), timeout=TIMEOUT_S)

            try:
                answers()
            except Unsatisfiable:
                assert not list(operation.query)  # nothing can be wrong where nothing is asked
    assert len(sent) >= 7
