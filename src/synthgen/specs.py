"""Read a teacher SPEC: which endpoint, which model, and the identity under which its replies are kept.

The identity is declared, never the address that happened to serve: `rehearsal`, the normalised base URL, for a fleet
the sorted set of its URLs, `vllm:MODEL` (with a fingerprint where MODEL lies in a folder), or what --teacher-id says.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from synthgen.errors import ConfigError

PROFILES = ("strong", "weak", "narrow")
OPENAI = "https://api.openai.com/v1"
DEFAULT_PORTS = {"http": 80, "https": 443}
HOW = "a SPEC is `rehearsal`, MODEL, http://host:8000/v1, MODEL@http://host:8000/v1 or vllm:MODEL_OR_PATH"
VLLM = "vllm:"
WHOLE = {".json", ".jinja", ".txt", ".model"}
"""Endings of a model's small files: configuration, tokenizer, chat template, the index of the weights."""
WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".gguf"}
SAMPLES, SAMPLE_BYTES = 16, 65536
"""Of each file of weights: pieces read, and the size of one."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A teacher SPEC, taken apart."""

    kind: Literal["rehearsal", "http", "vllm"]
    model: str
    """"" where the endpoint is to be asked."""
    urls: tuple[str, ...]
    identity: str
    source: str = ""
    """What `vllm serve` is given: a model's name, or the path of its folder."""

    @property
    def paid(self) -> bool:
        """Whether calls may cost money: anything that is not this machine or a private network."""
        return any(not private(url) for url in self.urls)


def parse(text: str, environment: Mapping[str, str], teacher_id: str = "") -> Spec:
    """A Spec from its text; `OPENAI_BASE_URL` moves bare model names to another endpoint."""
    if text == "rehearsal" or (text.startswith("rehearsal-") and "@" not in text):
        profile = text.removeprefix("rehearsal").removeprefix("-") or "strong"
        if profile not in PROFILES:
            raise ConfigError(
                f"there is no teacher {text}; the rehearsal is one of rehearsal-{', rehearsal-'.join(PROFILES)}"
            )
        return Spec("rehearsal", f"rehearsal-{profile}", (), teacher_id or "rehearsal")
    if text.startswith(VLLM):
        return own_vllm(text.removeprefix(VLLM).strip(), teacher_id)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ConfigError(f"an empty teacher; {HOW}")
    if "://" not in text:
        if len(parts) > 1:
            raise ConfigError(f"{text} names several models; a fleet is several URLs of one model")
        url = normalise(environment.get("OPENAI_BASE_URL") or OPENAI)
        return Spec("http", text.strip(), (url,), teacher_id or url)
    return fleet(parts, teacher_id)


def own_vllm(source: str, teacher_id: str) -> Spec:
    """A model that a vLLM of our own serves: one with a name, or a folder (for some formats a file) on this machine."""
    if not source:
        raise ConfigError(f"vllm: names no model; {HOW}")
    path = Path(source).expanduser()
    if path.exists():
        whole = path.resolve()
        identity = teacher_id or f"{VLLM}{whole.name}@{fingerprint(whole)[:16]}"
        return Spec("vllm", whole.name, (), identity, str(whole))
    if source.startswith(("/", "./", "../", "~")) and not teacher_id:
        raise ConfigError(f"there is no model at {source}; give a folder that vLLM can serve, or a model's name")
    return Spec("vllm", source, (), teacher_id or f"{VLLM}{source}", source)


def fingerprint(model: Path) -> str:
    """Tells a model on disk from another in its place, without reading all of it.

    SHA-256 over the top folder's small files whole, and of every file of weights its name, size and `SAMPLES` pieces
    spread evenly: training on changes nearly every weight, so a sample shows it.
    """
    found = hashlib.sha256()
    files = [model] if model.is_file() else sorted(path for path in model.iterdir() if path.is_file())
    try:
        for path in files:
            if path.suffix in WHOLE | WEIGHTS:
                found.update(f"{path.name} {path.stat().st_size}\n".encode())
                found.update(path.read_bytes() if path.suffix in WHOLE else sampled(path))
    except OSError as error:
        raise ConfigError(f"cannot read the model at {model}: {error.filename}: {error.strerror}") from error
    return found.hexdigest()


def sampled(path: Path) -> bytes:
    """Pieces of a file, spread evenly from its beginning to its end."""
    last = max(0, path.stat().st_size - SAMPLE_BYTES)
    with path.open("rb") as handle:
        pieces = []
        for place in sorted({last * number // (SAMPLES - 1) for number in range(SAMPLES)}):
            handle.seek(place)
            pieces.append(handle.read(SAMPLE_BYTES))
    return b"".join(pieces)


def fleet(parts: list[str], teacher_id: str) -> Spec:
    """One or several URLs that serve one model."""
    split = [part.rpartition("@") if "@http" in part else ("", "", part) for part in parts]
    models = {model for model, _, _ in split}
    if len(models) != 1:
        raise ConfigError(f"the URLs of a fleet must serve one model, not {', '.join(sorted(models))}")
    urls = tuple(sorted({normalise(url) for _, _, url in split}))
    return Spec("http", models.pop(), urls, teacher_id or ",".join(urls))


def normalise(url: str) -> str:
    """A base URL without credentials, default port or last slash, scheme and host in lower case."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{url} is not a URL ({error}); {HOW}") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ConfigError(f"{url} is not an http(s) URL; {HOW}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}"


def private(url: str) -> bool:
    """Whether a URL leads to this machine or a private network."""
    host = urlsplit(url).hostname or ""
    if (
        host == "localhost"
        or host.endswith((".local", ".internal", ".localhost"))
        or ("." not in host and ":" not in host)
    ):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
