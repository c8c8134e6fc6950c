"""The error tree, and the one place where the operating system's errors become ours.

    SynthgenError              a fault that can be foreseen; its text is for the user
    ├── InputError             seeds or another file that cannot be used
    ├── ConfigError            a key, flag, prompt or run directory that cannot be used
    ├── StorageError           the disk is full, or a file cannot be written
    └── TeacherError           the endpoint
        ├── PassingError       busy or broken for now: the record stays owed
        └── StopError          asking again cannot help
            ├── AuthenticationFailed
            ├── BillingFailed
            └── UnknownModel

What belongs to one record (a refusal, a cut reply, an unreadable one) is no error: it is a value, `Rejected`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SynthgenError(Exception):
    """A fault that can be foreseen; `str(error)` says what happened and what to try."""


class InputError(SynthgenError):
    """Seeds or another input file that cannot be used."""


class ConfigError(SynthgenError):
    """A key, flag, prompt or run directory that cannot be used."""


class StorageError(SynthgenError):
    """The disk is full, or a file cannot be written."""


class TeacherError(SynthgenError):
    """The endpoint did not serve a request."""


class PassingError(TeacherError):
    """Busy or broken for now; the record stays owed and the same command goes on."""


class StopError(TeacherError):
    """Asking again cannot help: key, billing or model."""


class AuthenticationFailed(StopError):
    """The endpoint refuses the key."""


class BillingFailed(StopError):
    """The account cannot pay."""


class UnknownModel(StopError):
    """The endpoint does not serve this model."""


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn what the operating system says while `path` is written into a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; make room or choose another --out; "
            "what is complete is kept, and the same command goes on"
        ) from error
