#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Usage: scripts/vmcore.py DUMP PFN|@ADDRESS...

What a dump of the memory has of page frames: a dump as the kernel gives it in /proc/vmcore (ELF),
or as makedumpfile writes it (without compression). Prints for each frame the text that the frame
begins with; "excluded" where the dump leaves the frame out; "zeroes" or "other" where there is no
text. Of an ADDRESS, what drgn reads there, by the page tables in an ELF dump or as the dump has it.
"""
import struct
import sys

PT_LOAD = 1
PAGE_SIZE = 4096


class Elf:
    """Segments: physical address, bytes in the file, place in the file."""

    def __init__(self, core):
        self.core = core
        core.seek(0)
        head = core.read(64)
        offset, = struct.unpack_from("<Q", head, 32)
        size, number = struct.unpack_from("<HH", head, 54)
        self.parts = []
        for i in range(number):
            core.seek(offset + i * size)
            kind, _, place, _, physical, stored, _, _ = struct.unpack("<IIQQQQQQ", core.read(56))
            if kind == PT_LOAD:
                self.parts.append((physical, stored, place))

    def page(self, pfn):
        at = pfn * PAGE_SIZE
        for physical, stored, place in self.parts:
            if physical <= at and at + PAGE_SIZE <= physical + stored:
                self.core.seek(place + at - physical)
                return self.core.read(PAGE_SIZE)
        return None


class Kdump:
    """Two bitmaps, of the frames that there are and of those that are in the file; then a
    descriptor of each that is in the file."""

    def __init__(self, core):
        self.core = core
        core.seek(428)
        block, sub, blocks = struct.unpack("<iiI", core.read(12))
        bitmaps = (1 + sub) * block
        core.seek(bitmaps + blocks * block // 2)
        self.dumped = core.read(blocks * block // 2)
        self.descriptors = bitmaps + blocks * block

    def page(self, pfn):
        byte, bit = divmod(pfn, 8)
        if not self.dumped[byte] >> bit & 1:
            return None
        before = bin(int.from_bytes(self.dumped[:byte], "little")).count("1")
        before += bin(self.dumped[byte] & ((1 << bit) - 1)).count("1")
        self.core.seek(self.descriptors + before * 24)
        place, size, flags = struct.unpack("<qII", self.core.read(16))
        if flags or size != PAGE_SIZE:
            sys.exit("vmcore.py: the dump is compressed")
        self.core.seek(place)
        return self.core.read(PAGE_SIZE)


def at_address(name, address):
    import drgn  # of Debian's python3
    core = drgn.Program()
    core.set_core_dump(name)
    try:
        return core.read(address, PAGE_SIZE)
    except drgn.FaultError:
        return None


KINDS = {b"\x7fELF\x02": Elf, b"KDUMP": Kdump}


def describe(content):
    if content is None:
        return "excluded"
    if not any(content):
        return "zeroes"
    text = content.split(b"\0")[0]
    return text.decode() if text.isascii() and text.decode().isprintable() and text else "other"


def main(name, *pfns):
    with open(name, "rb") as core:
        kind = KINDS.get(core.read(5))
        if not kind:
            sys.exit(f"vmcore.py: {name}: not a dump")
        dump = kind(core)
        for pfn in pfns:
            print(describe(at_address(name, int(pfn[1:], 0)) if pfn[0] == "@"
                           else dump.page(int(pfn, 0))))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
