"""Shut a process off from files, network and other processes with Landlock, which Linux has since version 5.13.

It needs no installation and no root. Source: https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import glob
import os
import platform
import site
import sys
from pathlib import Path

# System calls: the numbers are the same on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH = 1
SET_NO_NEW_PRIVILEGES = 38  # an option of prctl

# Access rights, as bits: execute, read a file, list a folder; then what a rule for a single file may allow.
READ = (1 << 0) | (1 << 2) | (1 << 3)
RIGHTS_OF_A_FILE = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)

READABLE = (
    "/proc", "/sys", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/passwd", "/etc/localtime", "/etc/os-release",
    "/etc/fonts", "/etc/nsswitch.conf",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm")


class RulesetAttributes(ctypes.Structure):
    """The C structure landlock_ruleset_attr."""

    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class PathBeneathAttributes(ctypes.Structure):
    """The C structure landlock_path_beneath_attr."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers, 0 for none."""
    if platform.system() != "Linux":
        return 0
    return max(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1), 0)


def shut_off(workplace: Path) -> None:
    """Allow this process, and its children, to write below `workplace` and to read Python's own files; nothing else.

    Also forbids TCP connections and signals to other processes where the kernel can (versions 4 and 6). Raises OSError
    where that is not possible.
    """
    version, libc = landlock_version(), ctypes.CDLL(None, use_errno=True)
    if not version:
        raise OSError("this system has no Landlock")
    all_rights = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    attributes = RulesetAttributes(all_rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8  # bytes: earlier versions know fewer fields
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(attributes), size, 0)
    for path, rights in allowed_paths(workplace, all_rights):
        if not path.exists():
            continue
        if not path.is_dir():
            rights &= RIGHTS_OF_A_FILE & all_rights
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = PathBeneathAttributes(rights & all_rights, descriptor)
        if libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0):
            raise OSError(ctypes.get_errno(), f"Landlock refuses the rule for {path}")
        os.close(descriptor)
    if libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "Landlock cannot be switched on")
    os.close(ruleset)


def allowed_paths(workplace: Path, all_rights: int) -> list[tuple[Path, int]]:
    """Return the paths that stay within reach, each with its rights."""
    python = {sys.prefix, sys.base_prefix, site.getusersitepackages(), *site.getsitepackages()}
    devices = (*DEVICES, *glob.glob("/dev/nvidia*"))  # noqa: PTH207
    allowed = [(workplace, all_rights)]
    allowed += [(Path(path), READ) for path in (*python, *READABLE)]
    return allowed + [(Path(path), all_rights) for path in devices]
