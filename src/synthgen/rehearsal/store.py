"""Where files and batches are kept: in memory, or in a folder, so that they outlive the server."""

from pathlib import Path

from synthgen.jsonl import replace


class Store:
    """Bytes by name. A name is one that the server made, never a client's."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held: dict[str, bytes] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, value: bytes) -> None:
        """Keep a value, in place of an older one."""
        if self._folder is None:
            self._held[name] = value
        else:
            replace(self._folder / name, value)

    def get(self, name: str) -> bytes | None:
        """A value, or None."""
        if self._folder is None:
            return self._held.get(name)
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def names(self, start: str) -> list[str]:
        """The names that begin so."""
        held = self._held if self._folder is None else [path.name for path in self._folder.iterdir()]
        return [name for name in held if name.startswith(start)]
