"""What happens to files on their way: cut, mixed up, flipped, wrapped, misnamed."""

import io
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from tests.corpus.archives import unzipped, zipped

Damage = Callable[[bytes, Random], bytes]


def cut(content: bytes, random: Random) -> bytes:
    """Everything after some point is lost."""
    return content[: random.randint(1, max(1, len(content) - 1))]


def flipped(content: bytes, random: Random) -> bytes:
    """Some bits are others."""
    damaged = bytearray(content)
    for _ in range(random.randint(1, max(1, len(content) // 200))):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def zeroed(content: bytes, random: Random) -> bytes:
    """A stretch is zeros, as on a disk that was full."""
    start = random.randrange(len(content))
    length = min(len(content) - start, random.randint(1, 4096))
    return content[:start] + b"\0" * length + content[start + length :]


def repeated(content: bytes, random: Random) -> bytes:
    """A stretch is there twice."""
    start = random.randrange(len(content))
    end = random.randint(start, len(content))
    return content[:end] + content[start:]


def prefixed(content: bytes, random: Random) -> bytes:
    """Something else stands before it."""
    return random.randbytes(random.randint(1, 64)) + content


def inside(content: bytes, random: Random) -> bytes:
    """The damage is in one part of the archive, which is whole by its own account; others are cut."""
    try:
        parts = unzipped(content)
    except (zipfile.BadZipFile, zlib.error):
        return cut(content, random)
    name = random.choice([name for name, part in parts.items() if part])
    return zipped({**parts, name: random.choice((cut, flipped, zeroed, repeated))(parts[name], random)})


def wrapped(content: bytes, random: Random) -> bytes:
    """In an archive, in an archive."""
    for depth in range(random.randint(1, 3)):
        content = zipped({f"{depth}": content})
    return content


def lying(content: bytes, random: Random) -> bytes:
    """Sizes in an archive's directory are others than those of its parts."""
    at = content.rfind(b"PK\x01\x02")
    if at < 0:
        return flipped(content, random)
    buffer = io.BytesIO(content)
    buffer.seek(at + 20)
    buffer.write(random.randbytes(8))
    return buffer.getvalue()


DAMAGES: tuple[Damage, ...] = (cut, flipped, zeroed, repeated, prefixed, inside, wrapped, lying)
