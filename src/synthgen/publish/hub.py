"""The Hub, by huggingface_hub: what a dataset repository holds, and the upload. Its errors become ours here, without the token."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.errors import SynthgenError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

DATASET = "dataset"
MAIN = "main"
SILENCE_SECONDS = 300
"""How long the Hub may say nothing at all until a request is given up."""
GLANCE_SECONDS = 10
"""The same, where only a look at the repository was wanted."""
NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
LONGEST_NAME = 96
TOKEN = re.compile(r"hf_[A-Za-z0-9]{8,}|Bearer \S+")
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write (huggingface.co/settings/tokens)"


class PushError(SynthgenError):
    """The Hub did not take the dataset, or must not be given it."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What a dataset repository holds."""

    head: str
    """The commit."""
    private: bool
    files: Mapping[str, tuple[int, str]]
    """Path to bytes and digest: SHA-256 of a large file, git's SHA-1 of a small one."""


class Hub:
    """One dataset repository."""

    def __init__(self, name: str, token: str | None, revision: str = MAIN) -> None:
        self.name, self.revision = name, revision
        self._token = token

    @property
    def url(self) -> str:
        """Where people see it."""
        return f"{self._api().endpoint}/datasets/{self.name}"

    def look(self, silence_seconds: float = SILENCE_SECONDS) -> Remote | None:
        """What the branch holds; None where the repository does not exist."""
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        with self._ours():
            try:
                info = self._api().dataset_info(self.name, timeout=silence_seconds)
            except RepositoryNotFoundError as error:
                if error.response.status_code == 404:
                    return None
                raise
            private = bool(info.private)
            if self.revision == MAIN:
                return Remote(info.sha or "", private, self._files())
            try:
                info = self._api().dataset_info(self.name, revision=self.revision, timeout=silence_seconds)
            except RevisionNotFoundError:
                return Remote("", private, {})
            return Remote(info.sha or "", private, self._files())

    def create(self, *, private: bool) -> None:
        """Make the repository, where there is none."""
        with self._ours():
            self._api().create_repo(self.name, repo_type=DATASET, private=private, exist_ok=True)

    def branch(self) -> None:
        """Make the branch, where there is none."""
        with self._ours():
            self._api().create_branch(self.name, branch=self.revision, repo_type=DATASET, exist_ok=True)

    def upload(self, folder: Path, *, delete: Sequence[str], message: str, parent: str) -> str:
        """Send the files of a folder, and remove others; the commit. Refused where the branch is no longer at `parent`."""
        from glob import escape

        with self._ours():
            done = self._api().upload_folder(
                repo_id=self.name,
                repo_type=DATASET,
                folder_path=folder,
                revision=self.revision,
                commit_message=message,
                parent_commit=parent or None,
                delete_patterns=[escape(path) for path in delete] or None,
            )
        return str(done.oid)

    def _files(self) -> dict[str, tuple[int, str]]:
        from huggingface_hub.hf_api import RepoFile

        found = self._api().list_repo_tree(self.name, recursive=True, revision=self.revision, repo_type=DATASET)
        return {one.path: (one.size, digest_of(one)) for one in found if isinstance(one, RepoFile)}

    def _api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi(token=self._token or False, library_name="synthgen")

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Turn what huggingface_hub raises into a PushError that says what to try, and never the token."""
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        try:
            limit_silence()
            yield
        except OfflineModeIsEnabled:
            raise PushError("HF_HUB_OFFLINE is set, so the Hub is not asked; unset it to push") from None
        except HfHubHTTPError as error:
            raise self._refused(error.response.status_code, error.server_message or "") from None
        except (OSError, ValueError, RuntimeError, http_error()) as error:
            raise self._failed(error) from None

    def _failed(self, error: BaseException) -> PushError:
        """Our error for one that is no answer of the Hub, or that wraps one."""
        from huggingface_hub.errors import HfHubHTTPError

        for one in chain_of(error):
            if isinstance(one, HfHubHTTPError):
                return self._refused(one.response.status_code, one.server_message or "")
            if isinstance(one, http_error()):
                return PushError(
                    f"cannot reach {self._api().endpoint} ({self._scrubbed(str(one)) or type(one).__name__}); look to the "
                    "network, then run the same command again: what was sent is not sent twice"
                )
        return PushError(f"{self.name} was not pushed: {self._scrubbed(str(error)) or type(error).__name__}")

    def _refused(self, status: int, said: str) -> PushError:
        """Our error for an answer of the Hub."""
        said = self._scrubbed(said)
        told = f" ({said})" if said else ""
        if status == 401:
            return PushError(f"the Hub does not know the token{told}; {LOG_IN}")
        if status == 403:
            return PushError(
                f"the token may not write to {self.name}{told}: the name belongs to somebody else, or the token is for "
                f"reading only; choose a name of your own, or {LOG_IN}"
            )
        if status == 404:
            return PushError(f"the Hub has no dataset {self.name} that this token may see{told}")
        if status in {409, 412}:
            return PushError(f"{self.name} was changed while it was pushed{told}; run the same command again")
        if status == 429 or status >= 500:
            return PushError(
                f"the Hub is busy or broken for now (HTTP {status}){told}; run the same command again later: what was "
                "sent is not sent twice"
            )
        return PushError(f"the Hub does not take {self.name} (HTTP {status}){told}")

    def _scrubbed(self, text: str) -> str:
        """A text on one line without the token."""
        whole = text.replace(self._token, "***") if self._token else text
        return " ".join(TOKEN.sub("***", whole).split())


def token() -> str | None:
    """The token that huggingface_hub has: of HF_TOKEN, of its own store, or of a CI that it trusts."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import DeviceCodeError, OIDCError

    try:
        return get_token()
    except (DeviceCodeError, OIDCError, OSError) as error:
        raise PushError(f"huggingface_hub has no token to give: {TOKEN.sub('***', str(error))}; {LOG_IN}") from None


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def digest_of(file: Any) -> str:
    """The digest that the Hub gives for a file."""
    return str(file.lfs.sha256 if file.lfs else file.blob_id)


def http_error() -> type[Exception]:
    """What every error of huggingface_hub's HTTP client is, whichever client that is."""
    from huggingface_hub.errors import HfHubHTTPError

    return HfHubHTTPError.__mro__[1]


def limit_silence(seconds: float = SILENCE_SECONDS) -> None:
    """Without this a request waits for ever for a Hub that says nothing."""
    from huggingface_hub import get_session

    get_session().timeout = seconds


def check_name(name: str) -> None:
    """Raise PushError for what cannot be the name of a repository."""
    owner, slash, own = name.partition("/")
    good = NAME.fullmatch(owner) and NAME.fullmatch(own) and len(name) <= LONGEST_NAME
    if not slash or not good or "--" in name or ".." in name or name.endswith(".git"):
        raise PushError(
            f"{name!r} cannot be a repository's name: it is OWNER/NAME, of letters, digits, single - and ., and _, at most "
            f"{LONGEST_NAME} characters"
        )
