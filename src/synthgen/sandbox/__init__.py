"""Run a program that nobody trusts: no network, bounded time, memory, files and processes.

`find()` says what this machine has, after it has tried it; `Sandbox.run` runs one Python program in it. What is closed and what
is not stands in docs/how-to/sandbox.md. `inside.py` runs on the other side, `syscalls.py` is its filter of system calls.
"""

import contextlib
import errno
import marshal
import os
import platform
import selectors
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

from synthgen.errors import ConfigError
from synthgen.sandbox import syscalls

Kind = Literal["bubblewrap", "namespaces", "none"]
Status = Literal["done", "timeout", "memory", "killed", "output"]
INSIDE = Path(__file__).with_name("inside.py")
FIRST = "import marshal,os\nn={size}\nb=b''\nwhile len(b)<n:b+=os.read(0,n-len(b))\nexec(marshal.loads(b))"
"""What the interpreter is started with: it reads the script that follows from standard input."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
NOBODY = 65534
BETWEEN_LOOKS_SECONDS = 0.05
"""How often memory and CPU time of all processes together are looked at; those of each are bounded by the kernel."""
STARTING_BYTES = 64 << 20
"""What the interpreter and its two watchers may take besides."""
STARTING_SECONDS = 1.0
GRACE_SECONDS = 5.0
SIGNAL_CPU, SIGNAL_KILL = -24, -9
NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT})
"""What the system says where it may have room later."""


class NotNow(ConfigError):
    """No program can be started at this moment: too many files are open, too many processes run, or a disk is full."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use up."""

    cpu_seconds: int = 10
    """Of all its processes. This decides, since it does not depend on what else the machine does."""
    wall_seconds: float = 60.0
    """A backstop for programs that sleep."""
    memory_bytes: int = 512 << 20
    """Address space of each process, and memory in use by all of them together."""
    processes: int = 16
    """Processes and threads at one time."""
    file_bytes: int = 16 << 20
    """All that is written to the scratch directory."""
    files: int = 256
    output_bytes: int = 1 << 20
    """Standard output and standard error together."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    status: Status
    """done: it ended by itself, whatever its exit code · timeout: CPU or wall time was used up · memory · output: too much of it ·
    killed: by a signal."""
    exit_code: int | None
    """None where it was stopped; negative: the signal that ended it."""
    stdout: bytes
    stderr: bytes
    cpu_seconds: float
    """Of the program itself and the processes it waited for; 0 where it was stopped."""
    by_the_clock: bool = False
    """Whether the wall clock stopped it: then a loaded machine may be at fault."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One way to run programs here."""

    kind: Kind
    bubblewrap: str = ""
    """Path of `bwrap`."""

    @property
    def description(self) -> str:
        """One line for people."""
        return {
            "bubblewrap": "programs run under bubblewrap",
            "namespaces": "programs run in namespaces of their own",
            "none": "programs run WITHOUT a sandbox, as you asked: limits alone, with your network and your files",
        }[self.kind]

    def run(self, program: str, *, stdin: bytes = b"", limits: Limits | None = None) -> Ran:
        """Run a Python program (standard library alone) to its end or its limits; from any thread, any number at a time.

        Raises ConfigError where it cannot be started: NotNow where this machine has no room for one more.
        """
        try:
            return self.begun(program, stdin, limits or Limits())
        except OSError as error:
            kind = NotNow if error.errno in NO_ROOM else ConfigError
            raise kind(f"a program cannot be started: {error.strerror or error}") from error

    def begun(self, program: str, stdin: bytes, limits: Limits) -> Ran:
        """The same, with the errors of the system."""
        reader, writer = os.pipe()
        try:
            with directory() if self.kind == "none" else contextlib.nullcontext("/") as cwd:
                data = self.message(program.encode("utf-8", "surrogatepass"), writer, limits) + stdin
                with self.started(writer, cwd) as process:
                    return Watch(process, reader, limits).until_the_end(data)
        finally:
            os.close(reader)

    def message(self, program: bytes, report: int, limits: Limits) -> bytes:
        """What the interpreter reads before the program's own input."""
        job = marshal.dumps(
            {
                "kind": self.kind,
                "report": report,
                "parent": os.getpid(),
                "program_bytes": len(program),
                "filter": syscalls.instructions(platform.machine()) or b"",
                "trees": [path for path, target in system_paths() if not target],
                "links": [(path, target) for path, target in system_paths() if target] + [("/dev/shm", "/tmp")],  # noqa: S108
                "devices": [path for path in DEVICES if Path(path).exists()],
                "cpu_seconds": limits.cpu_seconds,
                "memory_bytes": limits.memory_bytes,
                "processes": limits.processes,
                "file_bytes": limits.file_bytes,
                "files": limits.files,
            }
        )
        return script() + len(job).to_bytes(8, "big") + job + program

    def started(self, report: int, cwd: str) -> subprocess.Popen[bytes]:
        """The first process; the write end of the report pipe is closed here."""
        as_nobody = self.kind == "bubblewrap" and os.getuid() == 0  # whose processes the kernel counts
        try:
            return subprocess.Popen(
                [*self.wrapped(), python(), "-I", "-S", "-B", "-X", "utf8", "-c", FIRST.format(size=len(script()))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={},
                cwd=cwd,
                pass_fds=(report,),
                process_group=0,
                user=NOBODY if as_nobody else None,
                group=NOBODY if as_nobody else None,
                extra_groups=[] if as_nobody else None,
            )
        except subprocess.SubprocessError as error:
            raise OSError(str(error)) from error
        finally:
            os.close(report)

    def wrapped(self) -> list[str]:
        """What stands before the interpreter's own command."""
        if self.kind != "bubblewrap":
            return []
        words = [self.bubblewrap, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--uid", "1000", "--gid", "1000"]
        words += [
            "--hostname",
            "sandbox",
            "--cap-drop",
            "ALL",
            "--cap-add",
            "CAP_SYS_ADMIN",
        ]  # for /tmp; dropped after that
        for path, target in system_paths():
            words += ["--symlink", target, path] if target else ["--ro-bind", path, path]
        for path in DEVICES:
            words += ["--dev-bind-try", path, path]
        return [*words, "--symlink", "/tmp", "/dev/shm", "--dir", "/tmp", "--remount-ro", "/", "--chdir", "/", "--"]  # noqa: S108


class Watch:
    """One running program, followed until it ends or passes a limit."""

    def __init__(self, process: subprocess.Popen[bytes], report: int, limits: Limits) -> None:
        self.process = process
        self.report = report
        self.limits = limits
        self.texts: dict[int, bytearray] = {}
        self.ends = time.monotonic() + limits.wall_seconds

    def until_the_end(self, data: bytes) -> Ran:
        """Feed it, listen to it, and leave no process of it behind."""
        stopped: Status | None = "killed"
        try:
            stopped = self.follow(memoryview(data))
        finally:
            self.stop()
        return self.ran(stopped)

    def follow(self, data: memoryview) -> Status | None:
        """Why it had to be stopped; None where it ended by itself."""
        stdin, stdout, stderr = (stream for stream in self.streams())
        self.texts = {stdout: bytearray(), stderr: bytearray(), self.report: bytearray()}
        looked = 0.0
        with selectors.DefaultSelector() as selector:
            for source in self.texts:
                selector.register(source, selectors.EVENT_READ)
            selector.register(stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                for key, _ in selector.select(BETWEEN_LOOKS_SECONDS):
                    if key.fd == stdin:
                        data = self.feed(selector, data)
                    elif not self.hear(key.fd):
                        selector.unregister(key.fd)
                now = time.monotonic()
                if len(self.texts[stdout]) + len(self.texts[stderr]) > self.limits.output_bytes:
                    return "output"
                if now > self.ends:
                    return "timeout"
                if now > looked + BETWEEN_LOOKS_SECONDS:
                    looked = now
                    if reason := self.too_much():
                        return reason
        return None

    def streams(self) -> Iterator[int]:
        """Descriptors of the three standard streams; the one that is written to never blocks."""
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None  # noqa: S101 - all three are pipes
            yield stream.fileno()
        assert self.process.stdin is not None  # noqa: S101
        os.set_blocking(self.process.stdin.fileno(), False)

    def feed(self, selector: selectors.BaseSelector, data: memoryview) -> memoryview:
        """Write what the pipe takes; what is left to write."""
        assert self.process.stdin is not None  # noqa: S101
        try:
            left = data[os.write(self.process.stdin.fileno(), data[: 1 << 16]) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:  # it does not read to the end, as it may
            left = data[:0]
        if not left:
            selector.unregister(self.process.stdin.fileno())
            self.process.stdin.close()
        return left

    def hear(self, source: int) -> bool:
        """Take what is there; whether more can come."""
        piece = os.read(source, 1 << 16)
        self.texts[source] += piece
        return bool(piece)

    def too_much(self) -> Status | None:
        """Whether all its processes together pass a limit that the kernel keeps for each alone."""
        most = 4 * (self.limits.processes + 4)  # more than there can be, where the kernel counts them
        family = list(islice(descendants(self.process.pid), most))
        if len(family) == most:
            return "killed"
        if sum(map(memory_bytes, family)) > self.limits.memory_bytes + STARTING_BYTES:
            return "memory"
        return "timeout" if sum(map(cpu_seconds, family)) > self.limits.cpu_seconds + STARTING_SECONDS else None

    def stop(self) -> None:
        """Kill whatever still runs of it, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.terminate()  # what was started kills what it started, and waits for it
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE_SECONDS)
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            self.process.wait()

    def ran(self, stopped: Status | None) -> Ran:
        """The end in one record."""
        told, stdout, stderr = (bytes(self.texts[source]) for source in (self.report, *list(self.texts)[:2]))
        words = told.decode("utf-8", "replace").split(" ", 2)
        if words[0] == "error":
            raise ConfigError("the sandbox could not be made: " + " ".join(words[1:]))
        stdout, stderr = stdout[: self.limits.output_bytes], stderr[: self.limits.output_bytes]
        if stopped or words[0] != "ended":
            return Ran(stopped or "killed", None, stdout, stderr, 0.0, time.monotonic() > self.ends)
        code, seconds = int(words[1]), float(words[2])
        return Ran(how_it_ended(code, seconds, stderr, self.limits), code, stdout, stderr, seconds)


@contextlib.contextmanager
def directory() -> Iterator[str]:
    """A directory for a program without a sandbox; whatever it made of it is removed as far as that goes."""
    path = tempfile.mkdtemp(prefix="synthgen-")
    try:
        yield path
    finally:
        # `rm` and not `shutil.rmtree`, which fails on thousands of directories in one another
        subprocess.run(["/bin/rm", "-rf", "--", path], stderr=subprocess.DEVNULL, check=False)


def how_it_ended(code: int, seconds: float, stderr: bytes, limits: Limits) -> Status:
    """The status that belongs to an exit code."""
    if code == SIGNAL_CPU or (code == SIGNAL_KILL and seconds >= limits.cpu_seconds):
        return "timeout"
    if code == 1 and stderr.rstrip().rpartition(b"\n")[2].startswith(b"MemoryError"):
        return "memory"
    return "killed" if code < 0 else "done"


def descendants(pid: int) -> Iterator[int]:
    """A process and all below it, as far as they can be seen."""
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                waiting.extend(map(int, (thread / "children").read_text().split()))


def memory_bytes(pid: int) -> int:
    """Memory of a process that no file holds."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return 0


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of those that it has taken in."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@cache
def script() -> bytes:
    """What runs inside, compiled once for the same interpreter."""
    return marshal.dumps(compile(INSIDE.read_text(encoding="utf-8"), "sandbox", "exec"))


@cache
def python() -> str:
    """The interpreter itself: not a link to it in some virtual environment."""
    return str(Path(sys.executable).resolve())


@cache
def system_paths() -> tuple[tuple[str, str], ...]:
    """(path, what it links to or "") of all that a program can see of this machine: the system's own files, and Python's."""
    found = [
        (path, str(Path(path).readlink()) if Path(path).is_symlink() else "") for path in SYSTEM if Path(path).exists()
    ]
    home = Path(python()).parent.parent
    of_python = {home / "bin", home / "lib", home / "lib64", Path(sysconfig.get_path("stdlib"))}
    for path in sorted(path for path in of_python if path.is_dir() and not path.is_symlink()):
        if not any(path.is_relative_to(seen) for seen, _ in found):
            found.append((str(path), ""))
    return tuple(found)


TRIAL = """
import os, socket, sys, time
port, secret = sys.stdin.read().split()
holes = []
if set(os.environ): holes.append("environment variables can be read")
if os.path.exists(secret): holes.append("files can be read")
if os.getuid() == 0: holes.append("the program is root")
for family, address in ((socket.AF_INET, ("127.0.0.1", int(port))), (40, (2, 1024))):
    try:
        socket.socket(family, socket.SOCK_STREAM).connect(address)
        holes.append("the network is open")
    except OSError as error:
        if family == 40 and error.errno != 97: holes.append("the host of this virtual machine can be reached")
for path in (os.__file__, "/etc/ld.so.cache"):
    try:
        open(path, "a").close()
        holes.append("files can be written")
    except OSError:
        pass
children = 0
try:
    while children < 32:
        if os.fork() == 0: time.sleep(60)
        children += 1
except OSError:
    pass
if not 1 <= children < 32: holes.append("the kernel does not count processes (Linux 5.14 does)")
print("; ".join(holes) or "closed")
"""
"""A program that tries every door. It starts fewer processes than `Watch` ends a program for, so that it comes to say what it found."""


def trial(sandbox: Sandbox) -> Ran:
    """The trial, beside a file that must not be found and a server that must not be reached."""
    try:
        with (
            tempfile.NamedTemporaryFile(prefix="synthgen-") as secret,
            socket.create_server(("127.0.0.1", 0)) as listener,
        ):
            Path(secret.name).chmod(0o644)
            given = f"{listener.getsockname()[1]} {secret.name}".encode()
            return sandbox.run(TRIAL, stdin=given, limits=Limits(processes=8))
    except OSError as error:
        raise NotNow(f"a sandbox cannot be tried: {error.strerror or error}") from error


def tried(sandbox: Sandbox) -> str:
    """Why a sandbox does not hold; "" where it does. Raises NotNow where that cannot be found out."""
    if syscalls.instructions(platform.machine()) is None:
        return f"no filter of system calls for {platform.machine()}"
    try:
        ran = trial(sandbox)
    except NotNow:
        raise
    except ConfigError as error:
        return str(error)
    said = ran.stdout.decode("utf-8", "replace").strip()
    if said == "closed":
        return ""
    return (
        said or ran.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2] or f"the trial ended as {ran.status}"
    )


class Chosen:
    """What this process runs programs in, found out once."""

    lock = threading.Lock()
    found: Sandbox | None = None
    refusal: str = ""


def find(*, unsandboxed: bool = False) -> Sandbox:
    """The sandbox of this machine, tried until that says something; a ConfigError where none holds.

    `unsandboxed`: run with limits alone, from now on in this whole process.
    """
    with Chosen.lock:
        if unsandboxed:
            Chosen.found = Sandbox("none")
        if Chosen.found is None and not Chosen.refusal:
            Chosen.found, Chosen.refusal = first_that_holds(possible())
        if Chosen.found is None:
            raise ConfigError(Chosen.refusal)
        return Chosen.found


def insist() -> None:
    """Take back what `find(unsandboxed=True)` chose: from now on programs run in a sandbox, or not at all."""
    with Chosen.lock:
        if Chosen.found == Sandbox("none"):
            Chosen.found = None


def possible() -> list[Sandbox]:
    """What could work, best first."""
    path = shutil.which("bwrap")
    return [*([Sandbox("bubblewrap", path)] if path else []), Sandbox("namespaces")]


def first_that_holds(sandboxes: list[Sandbox]) -> tuple[Sandbox | None, str]:
    """(the first sandbox whose trial succeeds, "") or (None, one line that says why none does and what to try).

    Raises NotNow where one of those that did not succeed may do so later.
    """
    reasons, later = [], None
    for one in sandboxes:
        try:
            reason = tried(one)
        except NotNow as error:
            reason, later = str(error), error
        if not reason:
            return one, ""
        reasons.append(f"{one.kind}: {reason}")
    if later is not None:
        raise later
    told = f" ({'; '.join(reasons)})" if reasons else ""
    return None, (
        f"no sandbox for programs here{told}: install bubblewrap, or allow user namespaces, "
        "or set unsandboxed = true to run programs that a model wrote with limits alone"
    )
