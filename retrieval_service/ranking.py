"""From candidates to the passages worth giving."""

from collections.abc import Iterable

from libs.contracts.values import Passage


def fold_duplicates(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Best first; of passages that say the same, but for white space, only the best one."""
    kept: dict[str, Passage] = {}
    for passage in sorted(passages, key=lambda passage: (-passage.score, passage.chunk_id)):
        kept.setdefault(" ".join(passage.text.split()), passage)
    return tuple(kept.values())
