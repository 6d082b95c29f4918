"""The way to a message in SQL: what `history_service.tree` says, where the rows are."""

_TURNOFF = """
    LEFT JOIN LATERAL (
        SELECT position, after FROM chat_messages
        WHERE session_id = $1 AND after IS NOT NULL AND position <= %s
        ORDER BY position DESC LIMIT 1
    ) AS turnoff ON true
"""


def path_to(leaf: str) -> str:
    """Two tables for `WITH RECURSIVE`: `leaf`, and `path`, the spans of positions from the beginning to it.

    One step for each turnoff on the way, not for each turn, and each step is one look into the index of turnoffs.

    Args:
        leaf: a query for the one position it leads to; `$1` is the session in all of it.
    """
    return f"""
        leaf (leaf) AS ({leaf}),
        path (first, last, goes_on) AS (
            SELECT coalesce(turnoff.position, 1), leaf, turnoff.after FROM leaf {_TURNOFF % "leaf"}
            UNION ALL
            SELECT coalesce(turnoff.position, 1), goes_on, turnoff.after FROM path {_TURNOFF % "goes_on"}
            WHERE goes_on > 0
        )
    """  # noqa: S608 - nothing but constants


SHOWN = """
    SELECT coalesce(active_position, (SELECT max(position) FROM chat_messages WHERE session_id = $1), 0)
    FROM chat_sessions WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NULL
"""
"""Where the branch that is shown ends; no row when the session is not the user's."""
