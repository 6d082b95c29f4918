"""Nothing in an answer becomes a link, an image or an element, but for addresses that the passages have."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from generation_service.links import ADDRESS_MAX_CHARACTERS, LinkFilter
from tests.builders import a_passage

KNOWN = "https://help.example/fees?plan=plus"
PASSAGES = (a_passage(f"See {KNOWN}, www.help.example or write to help@bank.example."),)
EVIL = "https://evil.example/?q=secret"

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
# What GFM and remark-gfm make links of in plain text; the second one looks at it when escapes and entities are gone.
AUTOLINK = re.compile(
    r"(?:https?|ftp)://(?=[^\s<]*\w)[^\s<]+|www\.[-\w.]+[^\s<]*|(?a:[-.\w+]+@[-\w]+(?:\.[-\w]+)+)", re.IGNORECASE
)
MAY_STAND = re.compile(rf"(?:{re.escape(KNOWN)}|www\.help\.example|help@bank\.example)[.,;:!?'*_~)\\]*")


def filtered(*pieces: str) -> str:
    links = LinkFilter(PASSAGES)
    return "".join([*map(links.feed, pieces), links.finish()])


def cut(text: str, places: list[int]) -> list[str]:
    ends = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(ends)]


def live(text: str) -> list[str]:
    """What a reader's Markdown would make of it that is not mere text."""
    found: list[str] = []
    for block in MARKDOWN.parse(text):
        found += [block.content] if block.type == "html_block" else []
        children = block.children or []
        found += [child.type for child in children if child.type in {"link_open", "image", "html_inline"}]
        found += [link for link in AUTOLINK.findall(_plain(children)) if not MAY_STAND.fullmatch(link)]
    return found


def _plain(children: list[Token]) -> str:
    return "".join(child.content if child.type in {"text", "text_special"} else "\n" for child in children)


BRICKS = st.sampled_from(
    [
        *("[", "]", "(", ")", "](", "![", "]:", "][", "<", ">", "!", "\\", "`", "```", "*", "\n", "\n\n", " ", "> "),
        *(EVIL, "evil.example", "https:", "/", "//", ":", "http", "www", ".", "www.", "a@", "@", "e.x", "mailto:"),
        *("&", ";", "&colon;", "&#58;", "&#x2f;", "&amp;", "#58;", "&lt;", "&lpar;", "&rsqb;", "amp;colon;", "&sol;"),
        *(
            "<img src=x>",
            "<a href=",
            "</a>",
            "<!--",
            "<?",
            "javascript:x",
            "data:image/png;base64,AA",
            "é",
            "。",
            "\x00",
        ),
        *(KNOWN, "www.help.example", "help@bank.example", "[1]", "text", "\u00a0", "|", '"', "{", "%20", "ftp://"),
    ]
)
TEXTS = st.lists(BRICKS, max_size=14).map("".join) | st.text(max_size=40)


@given(TEXTS)
@example(f"![x]({EVIL})")
@example("[a]: https://evil.example\n[a]")
@example("https&amp;colon;//evil.example")
@example("https:/&sol;evil.example")
@example("https\\://evil.example www\\.evil.example a\\@evil.example")
@example("https:\\/\\/evil.example WWW.evil.example")
@example("]&lpar;x)")
@example(f"{KNOWN}\u00a0secret {KNOWN}]secret {KNOWN}/more")
def test_no_link_survives(text: str) -> None:
    """Whatever a model was talked into; judged by a parser of CommonMark with HTML and by GFM's autolinks."""
    assert live(filtered(text)) == []


@given(TEXTS, st.lists(st.integers(0, 200), max_size=12))
@example("https:\\/\\/evil.example/a b@evil\\.example. &#x2f;&#47;", [])
def test_it_does_not_matter_where_the_text_is_cut(text: str, places: list[int]) -> None:
    """Deltas are cut anywhere; the answer is the same."""
    assert filtered(*cut(text, places)) == filtered(*text) == filtered(text)


@given(st.text(st.characters(exclude_characters="&<]@:"), max_size=60).filter(lambda text: "www" not in text.lower()))
def test_other_text_stays_as_it_is(text: str) -> None:
    """And comes out at once."""
    links = LinkFilter(PASSAGES)

    assert links.feed(text) == text
    assert links.finish() == ""


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("Ten seconds [1]: fees apply (see [2]).", "Ten seconds [1] : fees apply (see [2])."),
        (f"Read [the fees]({EVIL}).", "Read [the fees] (https…)."),
        (f"![x]({EVIL}) and <{EVIL}>", "![x] (https…) and < https…>"),
        ("Look at www.evil.example/x, please.", "Look at www…, please."),
        ("Write to me@evil.example.", "Write to me@…."),
        (f"Read {KNOWN}.", f"Read {KNOWN}."),
        (f"Read [the fees]({KNOWN}).", f"Read [the fees] ({KNOWN})."),
        (f"Read {KNOWN}&x=secret", "Read https…"),
        (
            "Write to help@bank.example, or see www.help.example!",
            "Write to help@bank.example, or see www.help.example!",
        ),
        ("<img src=x onerror=alert(1)>", "< img src=x onerror=alert(1)>"),
        ("a < b, 1:2, https: or https:// and @me at 3.5 e.g. AT&T; R&D", None),
        ("Fees&colon; &lt;b&gt; &unknown; &", "Fees: < b> &unknown; &"),
        ("data:text/html,x and javascript:x", None),
    ],
)
def test_what_a_reader_sees(said: str, seen: str | None) -> None:
    """The words stay; known addresses stay whole; text that is no link is not touched."""
    assert filtered(said) == (said if seen is None else seen)


def test_an_address_without_end_is_not_held_without_end() -> None:
    """Beyond what an address may have nothing is kept, and what follows it is seen."""
    links = LinkFilter(PASSAGES)
    said = [links.feed(piece) for piece in ["https://evil.example/", *["x" * 64] * 100]]

    assert "".join(said) == "https…"
    assert len(links._address) <= ADDRESS_MAX_CHARACTERS + 64
    assert links.feed(" and on") == " and on"


def test_plain_text_is_not_delayed() -> None:
    """Citations, brackets and line ends come out with the delta that brought them."""
    links = LinkFilter(PASSAGES)

    for piece in ("A standard", " transfer [", "1", "] takes", " ten\n", "- seconds.", " Done!", " 3 < 4"):
        assert links.feed(piece) == piece
