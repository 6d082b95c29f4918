"""Whoever writes, writes on: frames go behind whatever stands on top of the log."""

from libs.answers.scripts import APPEND, FINISH
from tests.fault.mutants.scripts import replace

_APPEND_CHECK = """\
local seq = tonumber(ARGV[2])
if top.id ~= ARGV[1] .. '-' .. string.format('%d', seq - 1) then return refusal(KEYS[1], top) end
"""
_FINISH_CHECK = """\
if top.id ~= epoch .. '-' .. string.format('%d', seq - 1) then return refusal(KEYS[3], top) end
"""
_CLOSED = "if top.seq == CLOSE or top.seq == END then return {'refused', top.id, top.status or ''} end\n"


def put_in() -> None:
    """No append is refused but behind the end."""
    replace(APPEND, _APPEND_CHECK, f"{_CLOSED}local seq = tonumber(top.seq) + 1\n")
    replace(APPEND, "put(KEYS[1], ARGV[3], ARGV[1] .. '-'", "put(KEYS[1], ARGV[3], top.epoch .. '-'")
    replace(FINISH, _FINISH_CHECK, f"{_CLOSED}epoch, seq = top.epoch, tonumber(top.seq) + 1\n")
