"""Outcomes that also write to the answer's log, in the script that finishes the entry."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.answers.names import ENDED_LOG_MILLISECONDS, LIVE_LOG_MILLISECONDS, LogName
from libs.answers.scripts import ANNOUNCE, END
from libs.answers.shown import Shown
from libs.bus.outcome import Outcome, Reply
from libs.bus.scripts import Script
from libs.contracts.events import AnswerWritten, TurnEvent, TurnOpened
from libs.contracts.frames import Closed, Ended, Opened, PassagesFound, decode_frame, encode_frame
from libs.contracts.values import Turn


def announce(turn: Turn, frame: Opened | PassagesFound, *, then: TurnEvent | None) -> Outcome:
    """Publish `then` and tell the answer's readers what happened; if the user cancelled, record that instead."""
    return Outcome(then, _Announcement(turn, frame))


def end(turn: Turn, ended: Ended, *, opens: TurnOpened | None = None) -> Outcome:
    """Tell the answer's readers that it is stored, and open the session's next turn."""
    return Outcome(opens, _End(turn, ended, opens))


@dataclass(frozen=True, slots=True)
class _Announcement:
    turn: Turn
    frame: Opened | PassagesFound
    script: Script = ANNOUNCE

    def keys(self, partition: int) -> Sequence[str]:
        return (LogName(partition, self.turn.answer_id).key,)

    def args(self, partition: int) -> Sequence[str | bytes | int]:
        return (encode_frame(self.frame), LogName(partition, self.turn.answer_id).channel, LIVE_LOG_MILLISECONDS)

    async def refused(self, reply: Reply) -> Outcome | None:
        if isinstance(decode_frame(reply[1]), Closed):
            shown = Shown.of(reply[2:])
            written = AnswerWritten(turn=self.turn, status="cancelled", text=shown.text, citations=shown.citations)
            return Outcome(written)
        # The answer is stored already: this entry is a leftover.
        return Outcome()


@dataclass(frozen=True, slots=True)
class _End:
    turn: Turn
    ended: Ended
    opens: TurnOpened | None
    script: Script = END

    def keys(self, partition: int) -> Sequence[str]:
        next_turn = self.opens.turn if self.opens else self.turn
        return (LogName(partition, self.turn.answer_id).key, LogName(partition, next_turn.answer_id).key)

    def args(self, partition: int) -> Sequence[str | bytes | int]:
        channel = LogName(partition, self.turn.answer_id).channel
        own = (encode_frame(self.ended), channel, self.ended.status, ENDED_LOG_MILLISECONDS)
        if self.opens is None:
            return (*own, "", "", 0)
        turn = self.opens.turn
        opened = Opened(session_id=turn.session_id, question_id=turn.question_id)
        return (*own, encode_frame(opened), LogName(partition, turn.answer_id).channel, LIVE_LOG_MILLISECONDS)

    async def refused(self, reply: Reply) -> Outcome | None:
        raise AssertionError(f"an end is never refused, but Redis said {reply!r}")
