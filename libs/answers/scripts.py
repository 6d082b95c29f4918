"""The answer log's scripts; those that also finish an entry come after the bus's hop functions."""

from importlib.resources import files

from libs.bus.scripts import HOP_FUNCTIONS, Script

_LOG_FUNCTIONS = files("libs.answers.lua").joinpath("log.lua").read_text()
_BOTH = f"{HOP_FUNCTIONS}\n{_LOG_FUNCTIONS}"

BEGIN = Script("libs.answers.lua", "begin", before=_LOG_FUNCTIONS)
APPEND = Script("libs.answers.lua", "append", before=_LOG_FUNCTIONS)
CANCEL = Script("libs.answers.lua", "cancel", before=_LOG_FUNCTIONS)
ANNOUNCE = Script("libs.answers.lua", "announce", before=_BOTH)
FINISH = Script("libs.answers.lua", "finish", before=_BOTH)
END = Script("libs.answers.lua", "end", before=_BOTH)
