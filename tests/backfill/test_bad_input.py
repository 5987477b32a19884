"""Bad input is one line."""

from __future__ import annotations

import pytest

from tests.house import House


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "2019", "--until", "2018"), "is after --until 2018"),
        (("--since", "7/8/2018"), "may be 7 August or July 8"),
        (("--since", "2018", "--via", "altavista"), "there is no provider `altavista`"),
        (("--since", "2999"), "lies ahead"),
        (("--since", "2018", "--lang", "fr"), "is not searched"),
        (("--since", "2018", "--source", "nobody"), "there is no source `nobody`"),
    ],
)
def test_bad_input_is_one_line(house: House, arguments: tuple[str, ...], said: str) -> None:
    done = house.run("backfill", *arguments, "--quiet", code=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
