"""How much of a session's past a turn carries."""

from history_service.past import PastLimits, PastTurn, recent_messages


def texts(latest_first: list[PastTurn], **limits: int) -> list[str]:
    messages = recent_messages(latest_first, PastLimits(**{"turns": 10, "characters": 100, **limits}))
    assert [message.role for message in messages] == ["user", "assistant"] * (len(messages) // 2)
    return [message.text for message in messages]


def test_the_latest_turns_come_oldest_first() -> None:
    """As they were said."""
    assert texts([PastTurn("q2", "a2"), PastTurn("q1", "a1")]) == ["q1", "a1", "q2", "a2"]


def test_turns_are_counted() -> None:
    """Older ones stay behind."""
    assert texts([PastTurn("q2", "a2"), PastTurn("q1", "a1")], turns=1) == ["q2", "a2"]
    assert texts([PastTurn("q1", "a1")], turns=0) == []


def test_a_turn_that_does_not_fit_is_left_out_whole() -> None:
    """And so is everything before it: a gap in the past would mislead."""
    past = [PastTurn("q3", "a3"), PastTurn("q2", "long" * 5), PastTurn("q1", "a1")]

    assert texts(past, characters=12) == ["q3", "a3"]


def test_the_last_turn_is_cut_rather_than_left_out() -> None:
    """A follow-up makes no sense without what it follows."""
    assert texts([PastTurn("q", "long answer"), PastTurn("p", "b")], characters=5) == ["q", "long"]
    assert texts([PastTurn("question", "answer")], characters=3) == ["question", ""]
