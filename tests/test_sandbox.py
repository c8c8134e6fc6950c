"""What a hostile program can do in the sandbox: nothing that outlasts it, and nothing outside; and the next program runs."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synthgen import sandbox
from synthgen.errors import ConfigError
from synthgen.sandbox import Limits, Sandbox

HOLDING = [one for one in sandbox.possible() if not sandbox.tried(one)]
"""Every kind that works on this machine."""
UNSANDBOXED = Sandbox("none")
QUICK = Limits(cpu_seconds=1, wall_seconds=20, memory_bytes=256 << 20, processes=8)

pytestmark = pytest.mark.skipif(not HOLDING, reason="this machine has neither bubblewrap nor user namespaces")
EVERY_KIND = pytest.mark.parametrize("box", [*HOLDING, UNSANDBOXED], ids=lambda box: box.kind)


@pytest.fixture(params=HOLDING, ids=lambda box: box.kind)
def box(request):
    """A sandbox, which must still work after the test, and of which no process is left."""
    before = set(sandbox.descendants(os.getpid()))  # checks of other tests keep a helper
    yield request.param
    assert request.param.run("print(6 * 7)").stdout == b"42\n"
    assert set(sandbox.descendants(os.getpid())) <= before


def said(box, program, limits=QUICK, stdin=b""):
    """What a program prints that ends by itself."""
    ran = box.run(textwrap.dedent(program), limits=limits, stdin=stdin)
    assert (ran.status, ran.exit_code) == ("done", 0), ran
    return ran.stdout.decode()


@EVERY_KIND
def test_a_program_reads_its_input_and_says_how_it_ended(box):
    ran = box.run("import sys\nprint(input())\nprint('no', file=sys.stderr)\nsys.exit(3)", stdin="grüß\n".encode())
    assert (ran.status, ran.exit_code, ran.stdout, ran.stderr) == ("done", 3, "grüß\n".encode(), b"no\n")


@EVERY_KIND
def test_a_program_is_main_and_has_the_standard_library(box):
    program = """
        import dataclasses, decimal, json, pickle, sqlite3, subprocess, tempfile, threading
        @dataclasses.dataclass
        class P: x: int
        assert __name__ == "__main__" and pickle.loads(pickle.dumps(P(1))) == P(1)
        with tempfile.NamedTemporaryFile("w+") as file: file.write("kept"), file.seek(0), print(file.read())
        thread = threading.Thread(target=print, args=("thread",)); thread.start(); thread.join()
        print(subprocess.run(["/bin/echo", "child"], capture_output=True, text=True).stdout)
        """
    assert said(box, program, Limits()).split() == ["kept", "thread", "child"]


@EVERY_KIND
@pytest.mark.parametrize("reads", [True, False])
def test_input_longer_than_a_pipe_arrives_whole_and_may_be_left_unread(box, reads):
    program = "import sys\nprint(len(sys.stdin.read()))" if reads else "print(3000000)"
    assert said(box, program, stdin=b"x" * 3_000_000) == "3000000\n"


def test_many_programs_run_at_a_time(box):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: said(box, f"print({n} * {n})"), range(16)))
    assert found == [f"{n * n}\n" for n in range(16)]


def test_a_fork_bomb_stays_small(box):
    program = """
        import os, time
        children = 0
        try:
            while children < 500:
                if os.fork() == 0: time.sleep(60)
                children += 1
        except OSError: pass
        print(children)
        """
    assert 1 <= int(said(box, program)) <= QUICK.processes


def test_a_fork_bomb_that_never_gives_up_is_ended(box):
    program = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    ran = box.run(program, limits=QUICK)
    assert (ran.status, ran.by_the_clock) == ("timeout", False)


@EVERY_KIND
@pytest.mark.parametrize(
    "program", ["held = bytearray(10**11)", "held = []\nwhile True: held.append(bytearray(1 << 20))"]
)
def test_a_memory_bomb_is_ended(box, program):
    assert box.run(program, limits=QUICK).status == "memory"


def test_a_memory_bomb_of_many_processes_is_ended(box):
    program = """
        import os, time
        for _ in range(6):
            if os.fork() == 0: break
        held = bytearray(os.urandom(1 << 20) * 100)
        time.sleep(60)
        """
    assert box.run(textwrap.dedent(program), limits=QUICK).status == "memory"


@pytest.mark.parametrize("call", ["os.memfd_create('x')", "libc.shmget(1, 1 << 30, 0o1600)"])
def test_memory_that_no_limit_counts_cannot_be_had(box, call):
    program = f"""
        import ctypes, os
        libc = ctypes.CDLL(None)
        try: print({call} >= 0)
        except PermissionError: print(False)
        """
    assert said(box, program) == "False\n"


@EVERY_KIND
@pytest.mark.parametrize("first", ["", "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"])
def test_an_endless_loop_is_ended_by_its_cpu_time(box, first):
    ran = box.run(first + "while True: pass", limits=QUICK)
    assert (ran.status, ran.by_the_clock) == ("timeout", False)


@EVERY_KIND
def test_a_program_that_sleeps_is_ended_by_the_clock(box):
    ran = box.run("import time\nprint('begun', flush=True)\ntime.sleep(600)", limits=Limits(wall_seconds=2))
    assert (ran.status, ran.by_the_clock, ran.stdout) == ("timeout", True, b"begun\n")


@EVERY_KIND
def test_endless_output_is_cut(box):
    ran = box.run("import sys\nwhile True: print('x' * 1000)", limits=Limits(output_bytes=100_000))
    assert ran.status == "output"
    assert len(ran.stdout) == 100_000


def test_no_call_reaches_a_server_on_this_machine(box):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        program = f"""
            import socket, urllib.request
            for call in (
                lambda: socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}), 5),
                lambda: urllib.request.urlopen("http://127.0.0.1:{listener.getsockname()[1]}/", timeout=5),
                lambda: socket.getaddrinfo("example.org", 80),
                lambda: socket.socket(40, socket.SOCK_STREAM),
            ):
                try: call(); print("open")
                except OSError: print("closed")
            """
        assert said(box, program).split() == ["closed"] * 4
        with pytest.raises(TimeoutError):
            listener.accept()


def test_no_file_of_the_user_can_be_seen(box, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("planted")
    secret.chmod(0o644)
    program = f"""
        import os
        os.symlink("{secret}", "link")
        os.symlink("/", "root")
        tricks = ["{secret}", "link", "root{secret}", "../..{secret}", "/proc/1/root{secret}", "/etc/passwd", "/etc/shadow",
                  "/proc/self/environ", "{Path(__file__)}", "{Path.home()}/.ssh", "/sys/class/net", "/dev/sda", "/dev/vda"]
        for path in tricks:
            try: os.stat(path); print("seen", path)
            except OSError: pass
        try: os.link("{secret}", "hard")
        except OSError: print("held back")
        """
    assert said(box, program) == "held back\n"


def test_no_environment_variable_can_be_read(box, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted-key")
    program = """
        import ctypes, os, subprocess
        print(dict(os.environ), ctypes.c_void_p.in_dll(ctypes.CDLL(None), "environ").value and "")
        print(subprocess.run(["/usr/bin/env"], capture_output=True, text=True).stdout)
        """
    assert "planted-key" not in said(box, program)
    assert "planted-key" not in said(UNSANDBOXED, program)


def test_nothing_is_written_outside(box, tmp_path):
    tmp_path.chmod(0o777)
    program = f"""
        import os
        os.symlink("{tmp_path}", "way-out")
        for path in (os.__file__, "/usr/new", "/new", "/dev/new", "{tmp_path}/new", "way-out/new", "/etc/ld.so.cache"):
            try: open(path, "ab").close(); print("written", path)
            except OSError: pass
        os.makedirs("/tmp/deep/er")
        print("held back")
        """
    assert said(box, program) == "held back\n"
    assert list(tmp_path.iterdir()) == []
    assert said(box, "import os\nprint(os.listdir('/tmp'))") == "[]\n"  # nothing passes from one program to the next


def test_the_disk_cannot_be_filled(box):
    program = """
        import os
        def fill():
            for number in range(1000):
                with open(f"{number}", "wb") as file: file.write(bytes(1 << 20))
        try: fill()
        except OSError as error: print(error.errno)
        print(sum(os.stat(name).st_blocks * 512 for name in os.listdir(".")) <= 16 << 20)
        """
    assert said(box, program).split() == ["28", "True"]


@EVERY_KIND
def test_no_file_grows_past_its_limit(box):
    program = "try: open('one', 'wb').write(bytes(20 << 20))\nexcept OSError: print('held back')"
    assert said(box, program) == "held back\n"


def test_files_are_few(box):
    program = "try:\n    for n in range(10000): open(str(n), 'w').close()\nexcept OSError: print(n <= 256)"
    assert said(box, program) == "True\n"


@EVERY_KIND
def test_no_child_outlives_the_program(box):
    program = """
        import os, time
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork(): os._exit(0)
                time.sleep(600)
        print("gone", flush=True)
        os._exit(0)
        """
    before = set(sandbox.descendants(os.getpid()))
    assert said(box, program) == "gone\n"
    assert set(sandbox.descendants(os.getpid())) <= before


def test_no_signal_reaches_another_process(box):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
        program = f"""
            import os
            for pid in ({victim.pid}, {os.getpid()}, -{os.getpgid(0)}):
                try: os.kill(pid, 9); print("reached")
                except OSError: print("held back")
            os.kill(1, 9)
            print("still here", flush=True)
            os.kill(-1, 9)
            """
        assert box.run(textwrap.dedent(program)).stdout.split() == [b"held", b"back"] * 3 + [b"still", b"here"]
        assert victim.poll() is None
        victim.communicate(b"\n")


def test_no_privilege_can_be_had(box):
    program = """
        import ctypes, os
        libc = ctypes.CDLL(None)
        found = [libc.unshare(0x10000000), libc.ptrace(16, 1, 0, 0), libc.mount(b"x", b"/tmp", b"tmpfs", 0, 0),
                 libc.chroot(b"/tmp"), libc.setuid(0), libc.umount2(b"/usr", 2), libc.clone(0, 0, 0x10000000, 0)]
        print(set(found), os.getuid() != 0)
        """
    assert said(box, program) == "{-1} True\n"


def test_the_process_that_watches_cannot_be_read(box):
    program = """
        import ctypes
        class Vector(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        held = ctypes.create_string_buffer(8)
        here, there = Vector(ctypes.addressof(held), 8), Vector(id(Vector), 8)
        print(ctypes.CDLL(None).process_vm_readv(1, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
        """
    assert said(box, program) == "-1\n"


KEEPER = """
import sys
from synthgen.sandbox import Limits, Sandbox
Sandbox(sys.argv[1], sys.argv[2]).run("import os, time\\nos.fork()\\nos.setsid() if os.getpid() > 3 else 0\\ntime.sleep(600)")
"""


def test_the_program_ends_when_its_keeper_is_killed(box):
    with subprocess.Popen([sys.executable, "-c", KEEPER, box.kind, box.bubblewrap]) as keeper:
        family: list[int] = []
        while len(family) < 5:  # the keeper, the two watchers, the program and its child
            family = list(sandbox.descendants(keeper.pid))
            time.sleep(0.02)
        keeper.send_signal(signal.SIGKILL)
    while any(alive(pid) for pid in family):
        time.sleep(0.02)  # the suite's own time limit fails the test


def alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has taken in yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_crash_of_the_interpreter_is_a_result(box):
    ran = box.run("import ctypes\nctypes.string_at(0)")
    assert (ran.status, ran.exit_code) == ("killed", -signal.SIGSEGV)


def test_infinite_recursion_is_a_result(box):
    assert box.run("def f(): f()\nf()").exit_code == 1


def test_unsandboxed_leaves_nothing_behind_and_follows_no_link(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("mine")
    program = f"import os\nos.symlink('{kept}', 'link')\nopen('left', 'w').write('x')\nprint(os.getcwd())"
    assert not Path(said(UNSANDBOXED, program).strip()).exists()
    assert (kept / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "program", ["for _ in range(3000): os.mkdir('d'), os.chdir('d')", "os.mkdir('d'), os.chmod('d', 0)"]
)
def test_unsandboxed_survives_a_directory_that_is_hard_to_remove(program):
    assert said(UNSANDBOXED, f"import os\n{program}\nprint(1)") == "1\n"


def test_unsandboxed_says_so():
    assert "WITHOUT a sandbox" in UNSANDBOXED.description
    assert "WITHOUT" not in HOLDING[0].description


def test_a_sandbox_that_does_not_hold_is_not_used():
    found, refusal = sandbox.first_that_holds([UNSANDBOXED, Sandbox("bubblewrap", "/no/such/bwrap")])
    assert found is None
    assert "none: files can be read" in refusal
    assert "the network is open" in refusal
    assert "bubblewrap: a program cannot be started" in refusal
    assert "install bubblewrap" in refusal
    assert "unsandboxed" in refusal
    assert "\n" not in refusal


REFUSED = """
import sys
from synthgen import sandbox
from synthgen.errors import ConfigError
sandbox.possible = lambda: []
for unsandboxed in (False, False, True, False):
    try: print(sandbox.find(unsandboxed=unsandboxed).kind)
    except ConfigError as error: print("refused", "unsandboxed = true" in str(error))
"""


def test_where_nothing_works_it_refuses_until_told_otherwise():
    done = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["refused True", "refused True", "none", "none"]


def test_what_cannot_be_started_is_an_error_of_one_line():
    with pytest.raises(ConfigError, match="cannot be started"):
        Sandbox("bubblewrap", "/no/such/bwrap").run("print(1)")


LATER = """
import os, resource
from synthgen import sandbox
from synthgen.checks import registry as checks
from synthgen.records import Check
check = Check(name="code", kind="answer", args={"entry": "one", "tests": ["one() == 1"]}, source="test")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (24, 100))
held = []
try:
    while True: held.append(os.open(os.devnull, os.O_RDONLY))
except OSError: pass
print(checks.run(check, "def one(): return 1").passed)
for one in held: os.close(one)
print(checks.run(check, "def one(): return 1").passed)
"""
"""A process that runs out of descriptors before its first program, and has few afterwards."""


def test_a_machine_without_room_decides_nothing_and_is_tried_again():
    done = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["None", "True"]
    assert done.stderr.count("\n") == 1


FULL = """
import logging, sys, tempfile
from synthgen import sandbox
from synthgen.checks import registry as checks
from synthgen.records import Check
tempfile.tempdir = "/no/such/place"
sandbox.find(unsandboxed=True)
check = Check(name="code", kind="answer", args={"entry": "one", "tests": ["one() == 1"]}, source="test")
for _ in range(3): print(checks.run(check, "def one(): return 1").passed)
"""


def test_without_a_place_to_write_nothing_is_decided_and_that_is_said_once():
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["None"] * 3
    assert done.stderr.count("\n") == 1
