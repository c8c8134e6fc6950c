"""Vectors of texts, from an OpenAI-compatible `/v1/embeddings` or a local model. Each is kept in the ledger before it is used.

A text's key is the digest of the request that would ask for it alone, so how texts were sent together makes no difference.
"""

import asyncio
import hashlib
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from synthgen import specs
from synthgen.config import Prices, SemanticConfig
from synthgen.errors import ConfigError, InputError, TeacherError
from synthgen.records import Reply
from synthgen.teacher import wire
from synthgen.teacher.dispatch import Dispatch
from synthgen.teacher.ledger import Entry, Ledger
from synthgen.teacher.meter import Meter, Worst, cost
from synthgen.teacher.terms import Terms
from synthgen.teacher.wire import Binding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

ROLE = "embed"
TOGETHER = 64
"""Texts in one request."""
LOCAL = "local:"
GRACE_SECONDS = 10
"""How long calls under way are awaited at a stop."""


class Source(Protocol):
    """Whoever makes vectors."""

    async def vectors(self, texts: Sequence[str]) -> "tuple[list[Vector | None], int]":
        """A vector for each text, None where it cannot be had, and the tokens that were charged."""
        ...


class Embeddings:
    """The vectors of one model. Nothing is asked or loaded before a vector is owed."""

    def __init__(
        self,
        config: SemanticConfig,
        environment: Mapping[str, str],
        ledger: Ledger,
        meter: Meter,
        prices: Mapping[str, Prices],
        terms: Terms,
    ) -> None:
        self.config, self.environment, self.ledger, self.meter, self.terms = config, environment, ledger, meter, terms
        self.prices = prices.get(config.model)
        self._stack = AsyncExitStack()
        self._source: Source | None = None
        self._lock = asyncio.Lock()
        self._under_way: dict[str, asyncio.Task[dict[str, Reply]]] = {}
        """Key to the call that pays for it."""

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        calls = {call for call in self._under_way.values() if not call.done()}
        if calls:
            await asyncio.wait(calls, timeout=GRACE_SECONDS)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._stack.aclose()

    async def of(self, texts: Sequence[str]) -> "list[Vector | None]":
        """The vector of each text: replayed, or paid for and kept. None where the model refuses the text."""
        by_key = {key_of(text, self.config): text for text in texts}
        known = {key: kept for key in by_key if (kept := self.ledger.get(key)) is not None}
        self.meter.replayed += len(known)
        owed = [key for key in by_key if key not in known and key not in self._under_way]
        for first in range(0, len(owed), TOGETHER):
            part = owed[first : first + TOGETHER]
            task = asyncio.create_task(self._paid({key: by_key[key] for key in part}))
            self._under_way |= dict.fromkeys(part, task)
            task.add_done_callback(lambda done, part=part: self._ended(part, done))  # type: ignore[misc]
        for call in {self._under_way[key] for key in by_key if key not in known}:
            # Shielded: a call whose asker is cancelled goes on into the ledger.
            known |= await asyncio.shield(call)
        return [decoded(known[key_of(text, self.config)]) for text in texts]

    def _ended(self, part: Sequence[str], call: asyncio.Task[dict[str, Reply]]) -> None:
        """Forget a call that has ended. Its error, if nobody awaits it any more, is no news: another one stopped the line."""
        for key in part:
            self._under_way.pop(key, None)
        if not call.cancelled():
            call.exception()

    async def _paid(self, owed: Mapping[str, str]) -> dict[str, Reply]:
        """Ask for some texts and keep what comes, each under its key."""
        source = await self._opened()
        guess = sum(len(text.encode()) for text in owed.values())
        began = time.time()
        async with self.meter.reserved(Worst(len(owed), guess, cost(self.prices, guess, 0, 0))):
            vectors, tokens = await source.vectors(list(owed.values()))
        seconds = (time.time() - began) / len(owed)
        entries = []
        shares = parts(tokens, [len(text) for text in owed.values()])
        for (key, text), vector, share in zip(owed.items(), vectors, shares, strict=True):
            reply = Reply(
                text=encoded(vector) if vector is not None else "",
                finish="stop" if vector is not None else "refused",
                key=key,
                model=self.config.model,
                prompt_tokens=share,
            )
            usd = cost(self.prices, share, 0, 0)
            self.meter.settle(ROLE, reply, usd, seconds)
            sent = body([text], self.config.model)
            entries.append(Entry(reply, sent, ROLE, ROLE, self.config.identity, 0, usd, seconds, began))
        await self.ledger.keep(*entries)
        return {entry.reply.key: entry.reply for entry in entries}

    async def _opened(self) -> Source:
        """The source, connected or loaded once."""
        async with self._lock:
            if self._source is None:
                if self.config.identity.startswith(LOCAL):
                    self._source = await asyncio.to_thread(LocalModel, Path(self.config.spec))
                else:
                    spec = specs.parse(self.config.spec, self.environment, self.config.teacher_id)
                    dispatch = self.terms.dispatch(spec.urls, self.environment.get(self.config.key_env) or None)
                    self._source = Endpoint(await self._stack.enter_async_context(dispatch), self.config)
        return self._source


class Endpoint:
    """`/v1/embeddings` of an OpenAI-compatible server."""

    def __init__(self, dispatch: Dispatch, config: SemanticConfig) -> None:
        self.dispatch, self.model = dispatch, config.model
        self.binding = Binding(identity=config.identity, model=config.model, api="embeddings")

    async def vectors(self, texts: Sequence[str]) -> "tuple[list[Vector | None], int]":
        """As Source. Where a request is refused, its texts are asked one by one: one of them may be too long."""
        tokens = sum(map(len, texts)) // 3
        about = f"the embedding of {len(texts)} texts"
        reply = (await self.dispatch.post(body(texts, self.model), self.binding, tokens, about)).reply
        if reply.finish == "stop":
            found = [decoded_text(line) for line in reply.text.split("\n")]
            if len(found) != len(texts):
                raise TeacherError(
                    f"{len(texts)} texts were sent to /embeddings of {self.model}, {len(found)} came back"
                )
            return list(found), reply.prompt_tokens
        if len(texts) == 1:
            return [None], reply.prompt_tokens
        single = [await self.vectors([text]) for text in texts]
        if all(vectors[0] is None for vectors, _ in single):
            raise TeacherError(f"/embeddings of {self.model} refuses every text: {reply.text}")
        return [vectors[0] for vectors, _ in single], sum(tokens for _, tokens in single)


class LocalModel:
    """A model folder of sentence-transformers, on this machine. Raises ConfigError where it cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ConfigError("a local embedder needs: pip install 'synthgen[embeddings]'") from error
        try:
            self.model = SentenceTransformer(str(folder), local_files_only=True)
        except Exception as error:  # the library raises what its parts raise
            raise ConfigError(f"{folder} is no model that sentence-transformers can load: {error}") from error

    async def vectors(self, texts: Sequence[str]) -> "tuple[list[Vector | None], int]":
        """As Source; nothing is charged."""
        made = await asyncio.to_thread(self.model.encode, list(texts), show_progress_bar=False)
        import numpy as np

        return [np.asarray(vector, np.float32) for vector in made], 0


def body(texts: Sequence[str], model: str) -> dict[str, Any]:
    """The JSON body of a request for vectors."""
    return {"model": model, "input": list(texts), "encoding_format": "float"}


def key_of(text: str, config: SemanticConfig) -> str:
    """The ledger's key of a text."""
    return wire.key(body([text], config.model), 0, config.identity)


def kept(texts: Sequence[str], config: SemanticConfig, ledger: Ledger) -> "dict[str, Vector | None]":
    """The vectors of texts that a run has paid for. Raises InputError where one is not in its ledger."""
    found = {}
    for text in texts:
        reply = ledger.get(key_of(text, config))
        if reply is None:
            raise InputError(
                f"the ledger {ledger.path} has no embedding of: {text[:80]}; restore the ledger of this run"
            )
        found[text] = decoded(reply)
    return found


def declared(config: SemanticConfig, environment: Mapping[str, str]) -> SemanticConfig:
    """The config with the model and identity of its embedder. Raises ConfigError where they are not said."""
    if not config.threshold:
        return config
    if not config.spec:
        raise ConfigError(
            "--semantic needs an embedder: --embedder MODEL@http://host:8000/v1, MODEL, or a model folder"
        )
    folder = Path(config.spec)
    if folder.is_dir():
        return config.model_copy(update={"model": folder.resolve().name, "identity": LOCAL + digest(folder)})
    if "://" not in config.spec and ("/" in config.spec and (config.spec.startswith((".", "/")))):
        raise ConfigError(f"the embedder {config.spec} is not a folder")
    spec = specs.parse(config.spec, environment, config.teacher_id)
    if spec.kind != "http" or not spec.model:
        raise ConfigError(f"say which model embeds: MODEL@URL in place of {config.spec}")
    return config.model_copy(update={"model": spec.model, "identity": spec.identity})


def paid(config: SemanticConfig, environment: Mapping[str, str]) -> bool:
    """Whether vectors may cost money."""
    if not config.threshold or config.identity.startswith(LOCAL):
        return False
    return specs.parse(config.spec, environment, config.teacher_id).paid


def digest(folder: Path) -> str:
    """Of every file of a model folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        whole.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as handle:
            whole.update(hashlib.file_digest(handle, "sha256").digest())
    return whole.hexdigest()


def parts(total: int, sizes: Sequence[int]) -> list[int]:
    """A total in whole parts, about as the sizes are; they add up to it."""
    whole, given, before, made = sum(sizes) or 1, 0, 0, []
    for size in sizes:
        given += size
        share = total * given // whole
        made.append(share - before)
        before = share
    if made:
        made[-1] += total - before
    return made


def encoded(vector: "Vector") -> str:
    """A vector as text: base64 of little-endian single floats."""
    import numpy as np

    return b64encode(np.asarray(vector, "<f4").tobytes()).decode()


def decoded_text(text: str) -> "Vector":
    """What `encoded` was given."""
    import numpy as np

    return np.frombuffer(b64decode(text), "<f4").astype(np.float32)


def decoded(reply: Reply) -> "Vector | None":
    """The vector of a kept reply; None where the text was refused."""
    return decoded_text(reply.text) if reply.finish == "stop" and reply.text else None
