"""A filter of system calls: what no honest program of a test needs is refused before the kernel looks at it.

Namespaces close files, network and processes; the filter takes away most ways to attack the kernel that keeps them, the
sockets that belong to no network namespace (such as those to a virtual machine's host), and memory that no limit counts.
"""

import struct
from collections.abc import Iterator

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine, as `platform.machine()` names it, to (its column in CALLS, its number as an audit architecture)."""
CALLS = {
    "socket": (41, 198),
    "clone": (56, 220),
    "clone3": (435, 435),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "acct": (163, 89),
    "personality": (135, 92),
    "sethostname": (170, 161),
}
"""Every system call that is looked at, with its number on each machine."""
SOCKETS = (1, 2, 10, 16)
"""Families of sockets that a network namespace closes: unix, inet, inet6, netlink."""
NEW_NAMESPACES = 0x7E020000
"""The flags of clone that make a namespace of any kind."""
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
PERMISSION, NO_SYSTEM_CALL, NO_FAMILY = 1, 38, 97
"""Errno of a refusal. clone3 says that it does not exist, so that the C library falls back to clone, whose flags can be read."""
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
X32 = 0x40000000
"""Numbers from here on are x86's second table of calls, which would pass by the first."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Offsets in the kernel's `struct seccomp_data`."""


def instructions(machine: str) -> bytes | None:
    """The filter as the kernel reads it (an array of `struct sock_filter`); None for a machine without a table here."""
    if machine not in MACHINES:
        return None
    column, architecture = MACHINES[machine]
    numbers = {name: of_machines[column] for name, of_machines in CALLS.items()}
    return b"".join(struct.pack("=HBBI", *one) for one in steps(architecture, numbers))


def steps(architecture: int, numbers: dict[str, int]) -> Iterator[tuple[int, int, int, int]]:
    """(operation, steps to skip if so, steps to skip if not, value), one after the other."""
    yield LOAD, 0, 0, ARCHITECTURE
    yield EQUAL, 1, 0, architecture
    yield RETURN, 0, 0, KILL
    yield LOAD, 0, 0, NUMBER
    yield AT_LEAST, 0, 1, X32
    yield RETURN, 0, 0, REFUSE | NO_SYSTEM_CALL
    for name, number in numbers.items():
        if name not in {"socket", "clone", "clone3"}:
            yield EQUAL, 0, 1, number
            yield RETURN, 0, 0, REFUSE | PERMISSION
    yield EQUAL, 0, 1, numbers["clone3"]
    yield RETURN, 0, 0, REFUSE | NO_SYSTEM_CALL
    yield EQUAL, 0, 4, numbers["clone"]
    yield LOAD, 0, 0, FIRST_ARGUMENT
    yield ANY_BIT, 0, 1, NEW_NAMESPACES
    yield RETURN, 0, 0, REFUSE | PERMISSION
    yield RETURN, 0, 0, ALLOW
    yield EQUAL, 1, 0, numbers["socket"]
    yield RETURN, 0, 0, ALLOW
    yield LOAD, 0, 0, FIRST_ARGUMENT
    for left, family in zip(range(len(SOCKETS), 0, -1), SOCKETS, strict=True):
        yield EQUAL, left, 0, family
    yield RETURN, 0, 0, REFUSE | NO_FAMILY
    yield RETURN, 0, 0, ALLOW
