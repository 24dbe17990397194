"""Becomes another program, one that the kernel ends together with the process that asked for it.

Run as a file by `kuajie.processes`, never imported: `python -I -S child.py PARENT SIGNAL UID:GID|- PROGRAM [ARG...]`.
The order matters: a change of user clears the parent-death signal (prctl(2)), so it is set afterwards; and ctypes is
loaded before, because the unprivileged user may not be able to read this interpreter's library.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, identity, program, *arguments = sys.argv[1:]
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
    if identity != "-":
        uid, gid = map(int, identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.umask(0o077)
    if prctl is not None and prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent):
        sys.exit("the process that asked for this one is gone")
    # An interpreter ignores SIGPIPE, and exec would hand that on.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(program, [program, *arguments])  # noqa: S606 - the whole purpose of this file


main()
