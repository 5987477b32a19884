"""Reading without diacritics at once, by a table, gives what reading character by character gives."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tripoint.domain import text as rules
from tripoint.domain.text import unmark

_COMMON = st.sampled_from(list(rules._COMMON))
_ODD = st.sampled_from(list("łßœøıİŁþ→½µΩКⅣ한ा\u0301\u0323\u200b\u00ad\u212a\u2126\u2028😀\ud800"))


@given(st.text(_COMMON | _ODD | st.characters(), max_size=60))
def test_the_table_reads_as_the_long_way_does(text: str) -> None:
    composed, _ = rules._compose(text)
    folded = unmark(text)
    assert folded.cased == rules._bare(composed)
    assert folded.cased.isascii()
    assert len(folded.text) == len(folded.cased)


def test_each_common_character_is_composed_and_stays_one() -> None:
    assert len(rules._COMMON) <= 256  # what the codec's table holds
    for each in rules._COMMON:
        assert unicodedata.is_normalized("NFC", each)
        assert len(rules._bare(each)) == 1, each


def test_uncommon_letters_among_common_ones_keep_their_places() -> None:
    assert unmark("Wałęsa từ Gdańsk — “thăm” Ø").cased == 'Waqesa tu Gdansk - "tham" q'
    assert unmark("".join(map(chr, range(0x100, 0x180)))).cased.isascii()  # more of them than the table is tried with
