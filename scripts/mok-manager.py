#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Types into shim's MOK Manager what enrolls the key that is waiting.

Usage: mok-manager.py PASSWORD COMMAND...
Runs the command, a virtual machine whose first serial port is its stdin and stdout, and prints
what the port says. When MOK Manager comes up, walks through its menus. Fails where it came and
did not get to its end.
"""

import os
import subprocess
import sys
import time

DOWN, ENTER = b"\x1b[B", b"\r"


def steps(password):
    """What the screen shows, and the keys that then are to be pressed, one after the other."""
    return [(b"Press any key to perform MOK management", [ENTER]),
            (b"Enroll MOK", [DOWN, ENTER]),
            (b"View key 0", [DOWN, ENTER]),
            (b"Enroll the key", [DOWN, ENTER]),
            (b"Password:", [password.encode() + ENTER]),
            (b"Reboot", [ENTER])]


def press(keys, port):
    for key in keys:
        # The firmware asks for keys now and then only.
        time.sleep(1)
        port.write(key)
        port.flush()


def talk(machine, todo):
    """Returns the steps that did not come."""
    seen = b""
    while data := os.read(machine.stdout.fileno(), 65536):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        seen += data
        if todo and todo[0][0] in seen:
            press(todo.pop(0)[1], machine.stdin)
            seen = b""
    return todo


def main(argv):
    if len(argv) < 3:
        sys.exit(__doc__)
    todo = steps(argv[1])
    number = len(todo)
    with subprocess.Popen(argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as machine:
        todo = talk(machine, todo)
    if 0 < len(todo) < number:
        sys.exit(f"MOK Manager did not show {todo[0][0].decode()!r}")
    return machine.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv))
