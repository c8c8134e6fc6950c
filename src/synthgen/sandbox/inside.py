"""What runs in the sandbox before the program does: a script of its own that closes the doors, one after the other.

It is sent to a fresh interpreter as text and imports nothing of this package. Processes: the one that was started makes the
namespaces and waits; its child is process 1 of the new process namespace, watches, and takes everything with it when it ends;
its child in turn is the program.
"""

# pathlib takes milliseconds to import, and /tmp is a directory of our own here:
# ruff: noqa: PTH103, PTH116, PTH123, PTH211, S108
import builtins
import contextlib
import ctypes
import marshal
import os
import resource
import signal
import sys
from typing import Any, NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)
NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
"""Numbers of system calls, the same on every machine; the C library of the day need not know them."""
HERE, CLONE_THE_TREE, EMPTY_PATH = -100, 0x8001, 0x1000
RECURSIVE, MOVE_FROM_DESCRIPTOR, DETACH = 0x8000, 4, 2
READ_ONLY, NO_SETUID, NO_DEVICES, PRIVATE = 1, 2, 4, 0x44000
DEATH_SIGNAL, DUMPABLE, SECCOMP, DROP_CAPABILITY, SUBREAPER, NO_NEW_PRIVILEGES, AMBIENT = 1, 4, 22, 24, 36, 38, 47
"""Operations of prctl."""
USER, NOBODY = 1000, 65534
"""The program's user inside; outside, where root starts it, it is `nobody`, since the kernel does not count root's processes."""
MOST_OPEN_FILES = 128


def main() -> None:
    """Read the job, close the doors, run the program."""
    job = marshal.loads(exactly(int.from_bytes(exactly(8), "big")))  # noqa: S302 - our own process wrote it
    try:
        enter(job)
        program = supervise(job)
    except OSError as error:
        report(job, f"error {error.strerror or error}: {error.filename or error.filename2 or 'system call'}")
        os._exit(1)
    run(program)


def exactly(size: int) -> bytes:
    """So many bytes of standard input, and not one more: the rest belongs to the program."""
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            os._exit(1)
        data += piece
    return data


def report(job: dict[str, Any], line: str) -> None:
    """Tell the caller how it ended; the program has no way to this descriptor."""
    with contextlib.suppress(OSError):
        os.write(job["report"], line.encode())


def call(name: str, *arguments: object) -> int:
    """A function of the C library; an OSError with its name where it fails."""
    done = int(getattr(LIBC, name)(*arguments))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
    return done


def prctl(operation: int, *arguments: int) -> None:
    """One of the kernel's switches of a process."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    call("prctl", operation, *(ctypes.c_ulong(value) for value in padded))


def enter(job: dict[str, Any]) -> None:
    """Go into the sandbox of this kind."""
    if job["kind"] != "bubblewrap":  # which does the same by --die-with-parent
        die_with(job["parent"])
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("1000")  # where the machine runs out of memory, this goes first
    if job["kind"] == "namespaces":
        new_namespaces()
        new_root(job)
        call("sethostname", b"sandbox", 7)
        become_first()
    if job["kind"] == "bubblewrap":
        scratch(job, b"/tmp")  # bubblewrap can bound its size, but not the number of files
        os.chdir("/tmp")


def die_with(parent: int) -> None:
    """Be killed when the process that started this one ends, however it ends."""
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)


def new_namespaces() -> None:
    """Leave everything that is shared. Root maps a second user, and only a process that stayed outside may write that map."""
    uid, gid = os.getuid(), os.getgid()
    mapper, go = (0, -1) if uid else start_mapper(os.getpid())
    call("unshare", NAMESPACES)
    if mapper:
        os.write(go, b"x")
        os.close(go)
        os.waitpid(mapper, 0)
    if not mapped():
        write_file("/proc/self/setgroups", "deny")
        write_file("/proc/self/uid_map", f"{USER} {uid} 1")
        write_file("/proc/self/gid_map", f"{USER} {gid} 1")


def start_mapper(pid: int) -> tuple[int, int]:
    """(a child that writes the map of users of `pid`, the descriptor that tells it to)."""
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        with contextlib.suppress(OSError):
            if os.read(wait, 1):
                write_file(f"/proc/{pid}/gid_map", f"0 0 1\n{USER} {NOBODY} 1")
                write_file(f"/proc/{pid}/uid_map", f"0 0 1\n{USER} {NOBODY} 1")
        os._exit(0)
    os.close(wait)
    return child, go


def mapped() -> bool:
    """Whether this user namespace has its map."""
    with open("/proc/self/uid_map", encoding="ascii") as users:
        return bool(users.read().strip())


def write_file(path: str, text: str) -> None:
    """Write one of the kernel's files."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def new_root(job: dict[str, Any]) -> None:
    """A root directory that holds the system and Python, read-only, a few devices, and a small /tmp."""
    call("mount", None, b"/", None, PRIVATE, None)
    trees = [(tree(path), path) for path in job["trees"]]
    devices = [(tree(path), path) for path in job["devices"]]
    call("mount", b"sandbox", b"/tmp", b"tmpfs", NO_SETUID | NO_DEVICES, b"size=1m,nr_inodes=4096,mode=755")
    for descriptor, path in trees:
        make_place("/tmp" + path, directory=os.stat(descriptor).st_mode & 0o170000 == 0o040000)
        restrict(descriptor, READ_ONLY | NO_SETUID | NO_DEVICES)
        put(descriptor, "/tmp" + path)
    for descriptor, path in devices:
        make_place("/tmp" + path, directory=False)
        put(descriptor, "/tmp" + path)
    for path, target in job["links"]:
        os.symlink(target, "/tmp" + path)
    os.makedirs("/tmp/tmp", exist_ok=True)
    scratch(job, b"/tmp/tmp")
    os.chdir("/tmp")
    call("pivot_root", b".", b".")
    call("umount2", b".", DETACH)
    os.chdir("/tmp")
    call(
        "mount", None, b"/", None, 0x20 | 0x1000 | READ_ONLY | NO_SETUID | NO_DEVICES, None
    )  # remount, this mount alone


def tree(path: str) -> int:
    """A copy of what is mounted at and under a path, which hangs nowhere yet."""
    return call("syscall", OPEN_TREE, HERE, path.encode(), CLONE_THE_TREE | os.O_CLOEXEC)


def restrict(descriptor: int, attributes: int) -> None:
    """Set attributes on every mount of a tree."""
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    call("syscall", MOUNT_SETATTR, descriptor, b"", EMPTY_PATH | RECURSIVE, wanted, ctypes.c_size_t(32))


def put(descriptor: int, path: str) -> None:
    """Hang a tree up."""
    call("syscall", MOVE_MOUNT, descriptor, b"", HERE, path.encode(), MOVE_FROM_DESCRIPTOR)
    os.close(descriptor)


def make_place(path: str, *, directory: bool) -> None:
    """An empty directory or file to mount on."""
    os.makedirs(path if directory else path.rpartition("/")[0], exist_ok=True)
    if not directory:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def scratch(job: dict[str, Any], path: bytes) -> None:
    """The one place to write to: in memory, of bounded size, with a bounded number of files."""
    options = f"size={job['file_bytes']},nr_inodes={job['files'] + 1},mode=1777"
    call("mount", b"scratch", path, b"tmpfs", NO_SETUID | NO_DEVICES, options.encode())


def become_first() -> None:
    """Return in a child that is process 1 of the new process namespace; this process waits for it, and ends as it does."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    wait, go = os.pipe()
    first = os.fork()
    if first:
        os.close(wait)
        with contextlib.suppress(OSError):
            os.write(go, b"x")
        wait_for(first)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.close(go)
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    prctl(DEATH_SIGNAL, signal.SIGKILL)  # after the change of users, which forgets it
    if not os.read(wait, 1):  # the one that waits is gone already
        os._exit(1)
    os.close(wait)


def wait_for(first: int) -> NoReturn:
    """Wait until everything in the process namespace is gone. Standard streams are the program's alone, so that they end with it."""
    for stream in range(3):
        os.close(stream)
    os.waitpid(first, 0)
    os._exit(0)


def supervise(job: dict[str, Any]) -> bytes:
    """Return the program's text in a child that is confined; this process waits for the child and reports how it ended."""
    program = exactly(job["program_bytes"])
    alone = job["kind"] == "none"
    if alone:
        prctl(SUBREAPER, 1)
    else:
        drop_capabilities()
        prctl(DUMPABLE, 0)  # the program, which has the same user, can neither trace this process nor read its memory
    child = os.fork()
    if child == 0:
        if alone:
            os.setpgid(0, 0)
        confine(job)
        os.close(job["report"])
        return program
    if alone:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(end_group(child)))
    for stream in range(3):
        os.close(stream)
    code, seconds = reap(child)
    if alone:
        end_group(child)
    report(job, f"ended {code} {seconds:.3f}")
    os._exit(0)


def reap(child: int) -> tuple[int, float]:
    """(exit code, CPU seconds) of the program; what it leaves behind is taken in meanwhile."""
    while True:
        pid, status, usage = os.wait4(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def end_group(child: int) -> int:
    """Kill what is left below this process: the group at one blow, then who left it, generation by generation; 0."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as children:
                for pid in children.read().split():
                    os.kill(int(pid), signal.SIGKILL)
            os.wait()
    return 0


def drop_capabilities() -> None:
    """Give up every privilege inside the namespaces, and the way to get one back."""
    for capability in range(64):
        with contextlib.suppress(OSError):
            prctl(DROP_CAPABILITY, capability)
    with contextlib.suppress(OSError):
        prctl(AMBIENT, 4)
    call("capset", (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    prctl(NO_NEW_PRIVILEGES, 1)


def confine(job: dict[str, Any]) -> None:
    """The limits of the program, and the filter of its system calls."""
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, job["file_bytes"]),
        (resource.RLIMIT_NOFILE, MOST_OPEN_FILES),
        (resource.RLIMIT_AS, job["memory_bytes"]),
    ):
        bound(limit, value, value)
    bound(resource.RLIMIT_CPU, job["cpu_seconds"], job["cpu_seconds"] + 1)
    if job["kind"] == "none":
        return  # here the kernel would count every process of the user
    watchers = 2  # of the same user
    bound(resource.RLIMIT_NPROC, job["processes"] + watchers, job["processes"] + watchers)
    filter_ = ctypes.create_string_buffer(job["filter"], len(job["filter"]))
    program = (ctypes.c_uint64 * 2)(len(job["filter"]) // 8, ctypes.addressof(filter_))
    prctl(SECCOMP, 2, ctypes.addressof(program))


def bound(limit: int, soft: int, hard: int) -> None:
    """Set one limit; where this machine allows less, that."""
    _, most = resource.getrlimit(limit)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(limit, (soft, hard))


def run(program: bytes) -> None:
    """Run the program as `__main__`, with no environment and nothing of this script in sight."""
    os.environ.clear()
    sys.argv = ["program.py"]
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # what `site` would define
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    exec(compile(program, "program.py", "exec"), module.__dict__)  # noqa: S102 - this is what all the rest is for


main()
