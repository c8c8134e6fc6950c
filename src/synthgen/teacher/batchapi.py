"""The OpenAI-compatible Batch API, through the openai SDK: a few calls an hour, so that its types are worth more than its speed.

Foreign errors become ours here. Redirects are not followed, and the SDK tries again by itself what fails for a passing reason.
"""

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from synthgen.errors import AuthenticationFailed, BillingFailed, ConfigError, PassingError
from synthgen.teacher.wire import in_one_line

if TYPE_CHECKING:
    from openai import AsyncOpenAI

RETRIES = 8
ENDED = frozenset({"completed", "failed", "expired", "cancelled", "gone"})
MARK = {"synthgen": "1"}
"""Metadata of our batches."""
LOOKED_THROUGH = 200
"""Batches of the account that are looked through for one that was sent and not noted."""


@dataclass(frozen=True, slots=True)
class State:
    """How a batch stands."""

    status: str
    done: int
    total: int
    files: tuple[str, ...]
    """Of replies, and of lines that failed."""
    said: str
    """Why it failed, if it did."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ENDED


class BatchApi:
    """One endpoint's files and batches. Nothing is imported or connected before it is opened."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url, self._key = url, key
        self._stack = AsyncExitStack()
        self._sdk: AsyncOpenAI | None = None

    async def __aenter__(self) -> Self:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        http = await self._stack.enter_async_context(DefaultAsyncHttpxClient(follow_redirects=False))
        self._sdk = AsyncOpenAI(base_url=self.url, api_key=self._key or "none", max_retries=RETRIES, http_client=http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def upload(self, lines: bytes) -> str:
        """Send the requests as a file; its id."""
        with self._said("upload a batch"):
            sent = await self._opened.files.create(file=("requests.jsonl", io.BytesIO(lines)), purpose="batch")
        return sent.id

    async def create(self, file: str, endpoint: Any) -> str:
        """Have the requests of a file worked on; the batch's id."""
        with self._said("create a batch"):
            made = await self._opened.batches.create(
                input_file_id=file, endpoint=endpoint, completion_window="24h", metadata=MARK
            )
        return made.id

    async def made_from(self, file: str) -> str | None:
        """The batch that was made from a file, if any of the latest ones was."""
        with self._said("list batches"):
            looked = 0
            async for one in self._opened.batches.list(limit=100):
                if one.input_file_id == file:
                    return one.id
                looked += 1
                if looked >= LOOKED_THROUGH:
                    break
        return None

    async def state(self, batch: str) -> State:
        """How a batch stands."""
        import openai

        with self._said(f"look at batch {batch}"):
            try:
                one = await self._opened.batches.retrieve(batch)
            except openai.NotFoundError:
                return State("gone", 0, 0, (), "")
        counts, errors = one.request_counts, (one.errors.data or []) if one.errors else []
        return State(
            status=one.status,
            done=(counts.completed + counts.failed) if counts else 0,
            total=counts.total if counts else 0,
            files=tuple(name for name in (one.output_file_id, one.error_file_id) if name),
            said=in_one_line("; ".join(error.message or "" for error in errors)),
        )

    async def lines(self, file: str) -> AsyncIterator[str]:
        """The lines of a file of results."""
        with self._said(f"read the file {file}"):
            async with self._opened.files.with_streaming_response.content(file) as response:
                async for line in response.iter_lines():
                    yield line

    @property
    def _opened(self) -> "AsyncOpenAI":
        if self._sdk is None:
            raise RuntimeError("the Batch API is used inside `async with`")
        return self._sdk

    @contextmanager
    def _said(self, doing: str) -> Iterator[None]:
        """What the SDK raises, as our errors, without the key."""
        import openai

        try:
            yield
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise AuthenticationFailed(f"{self.url} refuses the key: {self._shown(error)}") from None
        except openai.NotFoundError as error:
            raise ConfigError(
                f"cannot {doing} at {self.url}: {self._shown(error)}; does it offer the Batch API? Leave out --batch"
            ) from None
        except openai.RateLimitError as error:
            if error.code == "insufficient_quota":
                raise BillingFailed(f"{self.url} cannot bill the account: {self._shown(error)}") from None
            raise PassingError(
                f"cannot {doing} at {self.url}: {self._shown(error)}; the same command goes on"
            ) from None
        except openai.OpenAIError as error:
            raise PassingError(
                f"cannot {doing} at {self.url}: {self._shown(error)}; the same command goes on"
            ) from None

    def _shown(self, error: Exception) -> str:
        text = in_one_line(str(error))
        return text.replace(self._key, "[key]") if self._key else text
