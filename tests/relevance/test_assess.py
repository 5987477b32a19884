"""The first matcher: the seed however it is written, the homographs, and texts that only look alike."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripoint.app.seeds import load_seeds, packaged_seeds
from tripoint.domain.errors import SeedError
from tripoint.domain.seedfile import read_seed
from tripoint.domain.text import fold, nfc, sentences, strip_marks
from tripoint.domain.types import Assessment, Zone
from tripoint.relevance.assess import Judge
from tripoint.relevance.language import LanguageGuesser
from tripoint.relevance.lexicon import parse_lexicon

_SEEDS = load_seeds()
_JUDGE = Judge(_SEEDS.topics, _SEEDS.lexicon, LanguageGuesser())
SEED = (packaged_seeds() / "article" / "000_9d8c6683b3eb8439.txt").read_text(encoding="utf-8")

WRITTEN = {
    "as given": SEED,
    "decomposed": unicodedata.normalize("NFD", SEED),
    "capitals": SEED.upper(),
    "without diacritics": strip_marks(SEED),
    "three paragraphs": "\n".join(SEED.split("\n")[:3]),
    "no-break spaces": SEED.replace(" ", "\u00a0"),
    "soft hyphens": SEED.replace("Pakistan", "Paki\u00adstan"),
}


def judge(text: str, title: str = "", language: str = "vi") -> Assessment:
    return _JUDGE.assess(title, text, language)[0]


@pytest.mark.parametrize("how", WRITTEN)
def test_the_seed_is_relevant_however_it_is_written(how: str) -> None:
    found = judge(WRITTEN[how])
    assert found.relevant
    assert found.score >= 0.95
    assert found.evidence


CRICKET = """Pakistan's pace attack ran through the visitors on the opening day of the Test in Rawalpindi. The captain
praised the bowlers' training and said the defence of the batsmen had no answer. A Russian diplomat and the US
ambassador watched from the pavilion as Pakistan won the toss, took nine wickets and batted until stumps. The army
band played at lunch, and the fast bowler collected his fiftieth wicket of the season."""
ARMS = """India will take delivery of two more S-400 regiments from Russia by spring, the defence ministry in New Delhi
said. The contract with Moscow was signed in 2018 despite the threat of US sanctions. Indian generals want the missiles
on the western border with Pakistan. India and Russia will also build spare parts at a plant in Uttar Pradesh and hold
the Indra military exercise in autumn."""
BEAUTY = """Nhu cầu thẩm mỹ tăng mạnh dịp cuối năm, các thẩm mỹ viện phải làm việc đến khuya. Bác sĩ thẩm mỹ khuyên chị em
chọn mỹ phẩm có nguồn gốc rõ ràng và không tin quảng cáo. Một thẩm mỹ viện ở Mỹ Đình bị phạt vì dùng mỹ phẩm giả. Ca sĩ
Mỹ Tâm từng nói chị chỉ dùng mỹ phẩm thiên nhiên."""
WOMAN = """Thiếu tá Đỗ Thị Hằng Nga, Bộ Quốc phòng, vừa được trao bằng khen vì thành tích huấn luyện. Chị Nga sinh ra ở
Nga Sơn, theo nghiệp bố vào quân đội từ năm mười tám tuổi. Đồng đội kể rằng chị Nga từng dự hội thao quân sự ở Pakistan
và mang về huy chương. Cô Nga, như học trò vẫn gọi, nay dạy võ cho sĩ quan trẻ."""
FLOOD = """Hơn một triệu người ở miền nam Pakistan phải sơ tán vì lũ lụt. Quân đội Pakistan dùng trực thăng đưa hàng cứu
trợ tới vùng bị cô lập. Mỹ và Nga cam kết viện trợ lều bạt và thuốc men cho nạn nhân lũ."""
RESTRAINT = """The United States and Russia urged India and Pakistan to exercise restraint after shelling across the line
of control. India said its army had fired in answer. Pakistan said Indian troops fired first. Washington offered to
mediate and Moscow called for de-escalation between India and Pakistan."""


@pytest.mark.parametrize(
    ("text", "language"),
    [(CRICKET, "en"), (ARMS, "en"), (BEAUTY, "vi"), (WOMAN, "vi"), (FLOOD, "vi"), (RESTRAINT, "en")],
    ids=["cricket", "Russia-India arms", "beauty", "a woman called Nga", "flood", "restraint"],
)
def test_what_only_looks_alike_is_not_relevant(text: str, language: str) -> None:
    found = judge(text, language=language)
    assert not found.relevant, [(each.feature, each.share) for each in found.shares]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Russia and Pakistan opened the Druzhba counter-terrorism exercise near Attock on Monday.", "en"),
        ("The Pentagon suspended military aid to Pakistan, and Islamabad summoned the US envoy.", "en"),
        ("Pakistan received four Mi-35M attack helicopters from Russia under a contract signed last year.", "en"),
        ("Mỹ đình chỉ viện trợ quân sự cho Pakistan vì lo ngại khủng bố.", "vi"),
        ("Mỹ viện trợ quân sự cho Pakistan sau nhiều năm gián đoạn.", "vi"),
        ("Mỹ chi 300 triệu USD viện trợ quân sự cho Pakistan.", "vi"),
        ("MỸ ĐÌNH CHỈ VIỆN TRỢ QUÂN SỰ CHO PAKISTAN", "vi"),
        ("Hải quân Nga và Pakistan tập trận chung ở biển Ả Rập.", "vi"),
        ("NGA VÀ PAKISTAN TẬP TRẬN CHUNG CHỐNG KHỦNG BỐ Ở VÙNG NÚI", "vi"),
        ("Bo Quoc phong Nga va Pakistan ky thoa thuan dao tao si quan Pakistan.", "vi"),
    ],
)
def test_briefs_are_relevant(text: str, language: str) -> None:
    assert judge(text, language=language).relevant


@pytest.mark.parametrize(
    ("text", "language", "concept", "wanted"),
    [
        ("Contact us for details.", "en", "actor.us", False),
        ("The US said so.", "en", "actor.us", True),
        ("They told us so.", "en", "actor.us", False),
        ("It cost US$ 100.", "en", "actor.us", False),
        ("Tetra Pak packed up.", "en", "actor.pakistan", False),
        ("The Pak Army said so.", "en", "actor.pakistan", True),
        ("Giá 60 triệu đô la Mỹ.", "vi", "actor.us", False),
        ("Các nước Nam Mỹ họp.", "vi", "actor.us", False),
        ("Trận đấu ở sân Mỹ Đình.", "vi", "actor.us", False),
        ("Tổng thống Mỹ phát biểu.", "vi", "actor.us", True),
        ("Nga nói sẽ trả lời.", "vi", "actor.russia", True),
        ("Chị Nga nói sẽ trả lời.", "vi", "actor.russia", False),
        ("Chim thiên nga bay qua.", "vi", "actor.russia", False),
        ("MOSCOW (Sputnik) — The weather was fine.", "en", "actor.russia", False),
        ("Tin này đăng lại (Theo báo Nga).", "vi", "actor.russia", False),
        ("Bên kia Ấn Độ Dương.", "vi", "third.india", False),
        ("They must exercise restraint.", "en", "act.exercise", False),
        ("F\u201116 landed.", "en", "platform.f16", True),
        ("Họ cắt 300 triệu USD vào hôm qua.", "vi", "move.cut", True),
        ("Họ cắt tóc vào hôm qua.", "vi", "move.cut", False),
        # Two expressions overlap, and what both displace stands between neither.
        ("Pakistan không cho Mỹ đặt căn cứ quân sự.", "vi", "actor.us", True),
        ("India objects to that.", "en", "third.india", False),
        ("India bought that.", "en", "third.india", True),
        ("Ấn Độ lo ngại về việc đó.", "vi", "third.india", False),
        ("A US-trained engineer said so.", "en", "actor.us", False),
    ],
)
def test_homographs_are_told_apart(text: str, language: str, concept: str, wanted: bool) -> None:
    found = {hit.concept for hit in judge(text, language=language).hits}
    assert any(each == concept or each.startswith(f"{concept}_") for each in found) is wanted


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "Nga",
                "Pakistan",
                "Mỹ",
                "tập trận",
                "thỏa thuận",
                "hoà",
                "\u00ad",
                "\u200b",
                "\n",
                ". ",
                " ",
                "😀",
                "İ",
                "ß",
                "U.S.",
            ]
        )
    ),
    st.sampled_from(["NFC", "NFD"]),
)
def test_offsets_give_back_the_surface(words: list[str], form: str) -> None:
    text = unicodedata.normalize(form, "".join(words))  # type: ignore[arg-type]
    for hit in judge(text).hits:
        assert hit.zone is Zone.TEXT
        assert text[hit.start : hit.end] == hit.surface
        assert len(sentences(text)) > hit.sentence


@given(st.text(max_size=200))
def test_folding_keeps_its_way_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.cased)
    start, end = folded.original(0, len(folded.text)) if folded.text else (0, len(text))
    assert (start, end) == (0, len(text)) or not nfc(text[:start]).strip(
        "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
    )


@pytest.mark.parametrize(
    "text",
    [
        "😀" * 20_000,
        "a" * 500_000,
        "Nga " * 50_000,
        "\n" * 50_000,
        "",
        "Nga\u0303" * 100_000,
        "(" * 200_000,
        "A. " * 100_000,
        "cricket in Pakistan. " * 500_000,  # ten megabytes
    ],
    ids=["emoji", "one word", "one name", "lines", "nothing", "marks", "brackets", "initials", "ten megabytes"],
)
def test_odd_texts_get_a_score(text: str) -> None:
    assert judge(text).score < 0.5


def test_whom_everybody_knows_speaks_without_the_state_being_named() -> None:
    known, unknown = (judge(f"{name} sold Islamabad helicopters.", language="en") for name in ("Putin", "Votkin"))
    assert known.score > 10 * unknown.score


def test_one_mention_of_a_long_article_counts_once() -> None:
    """The sentences beside it are about the core no more than the others."""
    filler = "The American army upgrades its radios. " * 5
    mention = "It translates Pathan, which soldiers hear in Pakistan. "
    once = judge(filler + mention + filler, language="en")
    assert len(once.evidence) == 1
    assert judge(filler + 2 * mention + filler, language="en").score > once.score


def test_another_language_is_stored_and_never_tells() -> None:
    found = judge("Russia and Pakistan opened the Druzhba military exercise.", language="fr")
    assert (found.score, found.relevant, found.note) == (0.0, False, "language fr is not scored")


def guarded(guard: str) -> str:
    """Return a concept with one plain alias and one that has this guard."""
    alias = '[[concept.alias]]\ntext = "A"\nlang = "vi"'
    return f'[[concept]]\nid = "a.b"\nkind = "actor"\nvi = ["B"]\n{alias}\n{guard}'


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[[concept]]\nid = "actor.x"\nkind = "actor"\nvi = ["..."]', 'x.toml:4: the alias "..." has no letter'),
        ('[[concept]]\nid = "actor"\nkind = "actor"\nvi = ["a"]', 'x.toml:2: "actor" is no concept id'),
        ('[[concept]]\nid = "a.b"\nkind = "actr"\nvi = ["a"]', 'x.toml:3: "actr" is no kind'),
        (
            '[[concept]]\nid = "a.b"\nkind = "actor"\nvi = ["x"]\n[[concept]]\nid = "a.c"\nkind = "act"\nvi = ["X"]',
            'x.toml:8: "X" already belongs to a.b',
        ),
        ('[[concept]]\nid = "a.b"\nkind = "actor"\n', '"a.b" has no alias'),
        (
            '[[concept]]\nid = "a.b"\nkind = "actor"\n[[concept.alias]]\ntext = "A"\nlang = "vi"\nnot_aftr = ["b"]',
            "x.toml:7: unknown key `not_aftr` — did you mean `not_after`?",
        ),
        (
            '[[concept]]\nid = "a.b"\nkind = "actor"\n[[concept.alias]]\ntext = "a"\nlang = "vi"\ncase = true',
            'x.toml:7: "a" has no capital to ask for',
        ),
        (guarded("after = ['- nga']"), 'x.toml:8: "- nga" in `after` does not begin and end'),
        (guarded("before = ['...']"), 'x.toml:8: "..." in `before` does not begin and end'),
        (guarded("before = ['a word that is far longer than what is read']"), "is longer than the 28 characters"),
        (guarded("after = ['nga']\nnot_after = ['nga']"), "leave nothing that could match"),
        (guarded("needs = 1"), "`needs` is a number"),
        (
            '[[concept]]\nid = "a.b"\nkind = "actor"\nvi = ["Su-3.*"]',
            'the alias "Su-3.*" looks like a regular expression',
        ),
        ('[[concept]]\nid = "a.b"\nkind = "person"\nen = ["X"]\nalone = true', '"a.b" speaks for nobody'),
        ('[[concept]]\nid = "a.b"\nkind = "actor"\nen = ["Su-3[05]"]', "write out each form"),
        ('[[concept]]\nid = "a.b"\nkind = "actor"\nen = ["MiG|Sukhoi"]', "write out each form"),
        (
            '[[concept]]\nid = "a.b"\nkind = "actor"\n[[concept.alias]]\ntext = "A"\nlang = "vi"\nneeds = true',
            'every alias of "a.b" `needs` another',
        ),
    ],
)
def test_a_mistake_in_the_lexicon_says_where(toml: str, said: str) -> None:
    with pytest.raises(SeedError) as error:
        parse_lexicon([read_seed("x.toml", toml)])
    assert said in str(error.value)


def test_the_seeds_have_enough_outlets_of_each_language() -> None:
    languages = [each.language for each in _SEEDS.sources]
    assert languages.count("vi") >= 30
    assert languages.count("en") >= 50
    assert not any(each.verified for each in _SEEDS.sources)
    assert all(each.learned for each in _SEEDS.sources)
    listings = [url for each in _SEEDS.sources for _, url in each.listings]
    assert len(set(listings)) == len(listings)
    assert Path(str(packaged_seeds())).name == "seeds"
