"""Agencies in datelines, bylines and text, in both languages."""

from __future__ import annotations

import pytest

from tripoint.app.seeds import load_seeds
from tripoint.domain.errors import SeedError
from tripoint.domain.seedfile import read_seed
from tripoint.domain.types import Carried
from tripoint.stories.wires import parse_wires

WIRES = load_seeds().wires

FOUND = [
    ("Dawn", (), "ISLAMABAD (Reuters) - Pakistan and Russia agreed on Tuesday", "Reuters", Carried.DATELINE),
    ("Dawn", (), "MOSCOW, November 24. /TASS/. Russia will deliver", "TASS", Carried.DATELINE),
    ("VnExpress", (), "Hà Nội (TTXVN) – Ngày 24/11, phái đoàn", "TTXVN", Carried.DATELINE),
    ("The Hindu", (), "New Delhi, Nov 24 (PTI) The government said", "PTI", Carried.DATELINE),
    ("Nhân Dân", (), "VNA - Pakistan and Russia", "TTXVN", Carried.DATELINE),
    ("Dawn", ("Reuters",), "Pakistan and Russia agreed.", "Reuters", Carried.BYLINE),
    ("Dawn", ("A. Reporter, AP",), "Pakistan and Russia agreed.", "AP", Carried.BYLINE),
    ("VnExpress", (), "Nga và Pakistan tập trận.\nTheo TASS", "TASS", Carried.BYLINE),
    ("Tuổi Trẻ", (), "Nga và Pakistan tập trận. (Theo Sputnik)", "Sputnik", Carried.BYLINE),
    ("Tuổi Trẻ", (), "Nga và Pakistan tập trận.\nNguồn: RIA Novosti", "RIA Novosti", Carried.BYLINE),
    ("VnExpress", (), "Nga sẽ bán trực thăng, hãng tin Sputnik đưa tin ngày 3/9.", "Sputnik", Carried.CITED),
    ("VnExpress", (), "Nga sẽ bán trực thăng. Tân Hoa xã dẫn lời một quan chức.", "Xinhua", Carried.CITED),
    ("Geo News", (), "The exercise has begun, the ISPR said in a statement.", "ISPR", Carried.CITED),
    ("Geo News", (), "The two sides met, according to the state-run APP.", None, None),
    ("TASS", (), "Russia and Pakistan met.", "TASS", Carried.OWN),
    ("Sputnik International", (), "Russia and Pakistan met.", "Sputnik", Carried.OWN),
    ("Dawn", (), "The app lets you report an AP exam; the ani of the gulf.", None, None),
    ("Dawn", (), "Pakistan and Russia met.", None, None),
    ("Dawn", ("RIAZ KHAN",), "Pakistan and Russia met.", None, None),
]


@pytest.mark.parametrize(("outlet", "authors", "text", "wire", "how"), FOUND)
def test_whose_words_a_report_prints(
    outlet: str, authors: tuple[str, ...], text: str, wire: str | None, how: Carried | None
) -> None:
    origin = WIRES.origin(outlet, authors, text)
    assert (origin.wire if origin else None, origin.how if origin else None) == (wire, how)


def test_a_mistake_is_named_with_its_line() -> None:
    twice = (
        '[[wire]]\nname = "A"\ncountry = "US"\naliases = ["X"]\n[[wire]]\nname = "B"\ncountry = "US"\naliases = ["X"]\n'
    )
    with pytest.raises(SeedError, match=r'wires.toml:8.*"X" already belongs to A'):
        parse_wires([read_seed("wires.toml", twice)], ())
    with pytest.raises(SeedError, match=r'"us" is no country code'):
        parse_wires([read_seed("wires.toml", '[[wire]]\nname = "A"\ncountry = "us"\naliases = ["X"]\n')], ())
    lost = '[[expected]]\nconcept = "state.atlantis"\ncountry = "PK"\nadjective = "Atlantic"\n'
    with pytest.raises(SeedError, match=r'wires.toml:2.*"state.atlantis" is no concept'):
        parse_wires([read_seed("wires.toml", lost)], ())
