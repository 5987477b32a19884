"""Lines that break in the middle of a mail: what was not accepted is told again, and never counts as sent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels import Secret, open_channel
from tests.alerts.office import office
from tests.mail import END, MailServer
from tripoint.domain.types import AlertState, Outcome


@pytest.mark.parametrize("after", [0, 1, 700, -5, -1], ids=["first", "header", "within", "no-end", "half-an-end"])
def test_a_line_that_breaks_within_a_message(
    after: int, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MailServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with server, office(url, open_channel("desk", Secret(server.url()), "", print)) as desk:
        desk.queue("Cut off", sentence="Russia met Pakistan. " + "And more was said. " * 80)
        server.inbox.drop_after = after
        for attempt in (1, 2):
            assert desk.deliver(timedelta(hours=2)) == {Outcome.TRANSIENT: 1}
            assert desk.states() == [AlertState.PENDING]
            assert len(server.inbox.dropped) == attempt
        assert server.received == []
        server.inbox.drop_after = None
        assert desk.deliver() == {}
        assert desk.deliver(timedelta(hours=2)) == {Outcome.ACCEPTED: 1}
        assert desk.states() == [AlertState.SENT]
        (told,) = desk.alerts()
    (received,) = server.received
    assert received.subject == "[Tripoint] Cut off — Báo A"
    assert "And more was said." in received.text
    length = len(received.raw) + len(END)
    expected = after if after >= 0 else length + after
    assert server.inbox.dropped == [expected, expected]
    assert expected < length
    assert [each.outcome for each in told.deliveries] == [Outcome.TRANSIENT] * 2 + [Outcome.ACCEPTED]
    assert all("SMTP error" in each.detail for each in told.deliveries[:2])


def test_a_line_that_breaks_before_the_answer_is_in_doubt(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MailServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with server, office(url, open_channel("desk", Secret(server.url()), "", print)) as desk:
        desk.queue("In doubt")
        server.inbox.behaviour = "drop"
        assert desk.deliver() == {Outcome.TRANSIENT: 1}
        assert desk.states() == [AlertState.PENDING]
        server.inbox.behaviour = ""
        assert desk.deliver(timedelta(minutes=5)) == {Outcome.ACCEPTED: 1}
        assert len(server.received) == 1
