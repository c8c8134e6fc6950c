"""Run a command that must not outlive its starter: `python -m synthgen.watch COMMAND ...`.

Standard input is a pipe from the starter. It ends when the starter does, however it dies, SIGKILL included; then the
command is killed with everything it started.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Start a command in its own session and wait; kill it when standard input ends."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: end(child))
    threading.Thread(target=end_with_parent, args=(child,), daemon=True).start()
    return child.wait()


def end_with_parent(child: subprocess.Popen[bytes]) -> None:
    """Wait for the end of the pipe."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child's whole session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
