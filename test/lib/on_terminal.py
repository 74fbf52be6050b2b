#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a command prints on a terminal, byte by byte, and its status:

    on_terminal.py WIDTH COMMAND...     standard input stays as it is
"""
import fcntl
import os
import pty
import struct
import sys
import termios

stdin = os.dup(0)
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.dup2(stdin, 0)
    os.execvp(sys.argv[2], sys.argv[2:])
try:
    while said := os.read(terminal, 65536):
        os.write(1, said)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
