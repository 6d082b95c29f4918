"""For whom a flag is on."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.flags.rollout import Rollout, Rollouts, Rule
from retrieval_service.flags import FLAGS

PEOPLE = [f"person-{number}" for number in range(4_000)]


def _on(rollout: Rollout, key: str = "a-flag", groups: Sequence[str] = ()) -> set[str]:
    return {person for person in PEOPLE if rollout.value_for(key, person, groups)[0]}


def _share(percent: float) -> Rollout:
    return Rollout(value=False, rules=(Rule(value=True, percent=percent),))


@pytest.mark.parametrize("percent", [0.0, 1.0, 10.0, 50.0, 99.5, 100.0])
def test_a_percentage_is_that_share_of_people(percent: float) -> None:
    """Within what chance allows; none and all are exact."""
    share = len(_on(_share(percent))) / len(PEOPLE) * 100

    assert abs(share - percent) <= (0 if percent in {0.0, 100.0} else 2.5)


@given(smaller=st.floats(0, 100), larger=st.floats(0, 100))
def test_who_is_in_stays_in_while_a_percentage_grows(smaller: float, larger: float) -> None:
    """And the same person is always in or always out."""
    smaller, larger = sorted((smaller, larger))
    for person in PEOPLE[:50]:
        if _share(smaller).value_for("a-flag", person, ())[0]:
            assert _share(larger).value_for("a-flag", person, ())[0]


def test_flags_choose_people_independently() -> None:
    """Not always the same ones try everything."""
    both = _on(_share(50), "one") & _on(_share(50), "other")

    assert abs(len(both) / len(PEOPLE) - 0.25) < 0.03


def test_the_first_rule_that_somebody_fits_counts() -> None:
    """Groups before percentages, if written so; whom no rule is for has the flag's own value."""
    rollout = Rollout(
        value=True,
        rules=(
            Rule(value=True, groups=("editors", "staff")),
            Rule(value=False, groups=("guests",)),
            Rule(value=False, percent=50),
        ),
    )

    assert rollout.value_for("a-flag", "ann", ["staff", "guests"]) == (True, True)
    assert rollout.value_for("a-flag", "ann", ["guests"]) == (False, True)
    assert 0.4 < len(_on(rollout)) / len(PEOPLE) < 0.6


def test_who_is_nobody_is_in_no_part_of_everybody() -> None:
    """But in everybody."""
    assert _share(99.99).value_for("a-flag", "", ()) == (False, False)
    assert _share(100).value_for("a-flag", "", ()) == (True, True)


@pytest.mark.parametrize(
    "document",
    [
        "[]",
        '{"flags": {"Bad Key": {"value": true}}}',
        '{"flags": {"a": {}}}',
        '{"flags": {"a": {"value": "yes"}}}',
        '{"flags": {"a": {"value": 1}}}',
        '{"flags": {"a": {"value": true, "rules": [{"value": true, "percent": 101}]}}}',
        '{"flags": {"a": {"value": true, "rules": [{"value": true, "percents": 10}]}}}',
        '{"flags": {"a": {"value": true, "rules": [{"percent": 10}]}}}',
    ],
)
def test_a_document_with_a_mistake_is_none(document: str) -> None:
    """A rule that was not meant is worse than none."""
    with pytest.raises(ValidationError):
        Rollouts.model_validate_json(document)


def test_the_example_is_one_and_names_what_there_is() -> None:
    """`docs/flags.example.json` can be copied."""
    example = Rollouts.model_validate_json(Path("docs/flags.example.json").read_bytes())

    assert set(example.flags) == {flag.key for flag in FLAGS}
