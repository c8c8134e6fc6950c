"""Read a teacher SPEC: which endpoint, which model, and the identity under which its replies are kept.

The identity is declared, never the address that happened to serve: `rehearsal`, the normalised base URL, for a fleet
the sorted set of its URLs, or what --teacher-id says.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from synthgen.errors import ConfigError

PROFILES = ("strong", "weak", "narrow")
OPENAI = "https://api.openai.com/v1"
DEFAULT_PORTS = {"http": 80, "https": 443}
HOW = "a SPEC is `rehearsal`, MODEL, http://host:8000/v1 or MODEL@http://host:8000/v1"


@dataclass(frozen=True, slots=True)
class Spec:
    """A teacher SPEC, taken apart."""

    kind: Literal["rehearsal", "http"]
    model: str
    """"" where the endpoint is to be asked."""
    urls: tuple[str, ...]
    identity: str

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
    if text.startswith("vllm:"):
        raise ConfigError(
            f"synthgen does not start vLLM yet: run `vllm serve {text.removeprefix('vllm:')}` and give http://localhost:8000/v1"
        )
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ConfigError(f"an empty teacher; {HOW}")
    if "://" not in text:
        if len(parts) > 1:
            raise ConfigError(f"{text} names several models; a fleet is several URLs of one model")
        url = normalise(environment.get("OPENAI_BASE_URL") or OPENAI)
        return Spec("http", text.strip(), (url,), teacher_id or url)
    return fleet(parts, teacher_id)


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
