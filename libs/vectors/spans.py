"""Requests to Pinecone as spans; what is in Postgres is recorded as statements."""

from libs.telemetry.spans import Span, span


def pinecone_call(operation: str) -> Span:
    """One request, the SDK's retries included; to be used in `with`."""
    call = span(f"{operation} pinecone", "client")
    if call.is_recorded:
        call.say("db.system.name", "pinecone")
        call.say("db.operation.name", operation)
    return call
