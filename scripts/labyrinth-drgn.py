#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Usage: scripts/labyrinth-drgn.py [--core VMCORE] --module LABYRINTH_KO COMMAND [argument...]

What Labyrinth knows, read from the running kernel (/proc/kcore, as root) or from a dump of one,
with drgn (Debian's python3-drgn). The kernel's debug symbols are not needed: the types are those
of labyrinth.ko, which must be the very file that is, or was, loaded, with its debug information
(as it is built; DKMS takes that out, unless told STRIP[0]="no").
Commands:
  owners           the owners, and the pages of each by state
  sites [OWNER]    pages by owner, state and call site, most first
  page PAGE...     one page's story: owner, state, since when and from where, mappings, and with
                   history=N its last steps. PAGE is a frame number, or an address of the direct
                   map or of a struct page; each as 0x...
  refusals         how many reports there were of each class
  reports          the last report of each class and call site, in full
"""
import argparse
import bisect
import collections
import struct
import sys

import drgn

# As in inline/tag.h.
PFN_MASK = (1 << 38) - 1
STATE_SHIFT, STATE_MASK = 40, 0xff
OWNER_SHIFT, OWNER_MASK = 48, 0x7fff
# As in inline/table.h and report/history.c.
STASH_TAGS = 64
STASH_SLOTS = 1 << 18
OP_SHIFT, CONTEXT_SHIFT, LIFE_SHIFT = 40, 48, 56
BUSY = (1 << 64) - 1
GOLDEN_RATIO_64 = 0x61C8864680B583EB
PAGE_SHIFT = 12
# As in inline/slot.h; x86-64's code stands in the last 4 GB.
LAST_NOTED, LAST_LEND, LIMBO_LENT = 1, 2, 1 << 35
TEXT_BASE = 0xffffffff00000000
MAP_KINDS = "for DMA", "into the kernel", "into a process", "for DMA by the core"
STT_OBJECT, STT_FUNC = 1, 2
PT_NOTE = 4
X86_64 = drgn.Platform(drgn.Architecture.X86_64, drgn.PlatformFlags.IS_64_BIT |
                       drgn.PlatformFlags.IS_LITTLE_ENDIAN)


def fail(*words):
    sys.exit("labyrinth-drgn.py: " + " ".join(map(str, words)))


def elf_note(core, head):
    """Of /proc/kcore, /proc/vmcore, and makedumpfile -E."""
    offset, = struct.unpack_from("<Q", head, 32)
    size, number = struct.unpack_from("<HH", head, 54)
    for i in range(number):
        core.seek(offset + i * size)
        kind, _, place, _, _, stored = struct.unpack("<IIQQQQ", core.read(40))
        if kind == PT_NOTE:
            core.seek(place)
            notes = core.read(stored)
            at = notes.find(b"VMCOREINFO\0")
            if at >= 0:
                length, = struct.unpack_from("<I", notes, at - 8)
                return notes[at + 12:at + 12 + length]
    return b""


def kdump_note(core, _head):
    """Of makedumpfile's own format: where it is stands in the second block."""
    core.seek(4096 + 32)
    place, length = struct.unpack("<QQ", core.read(16))
    core.seek(place)
    return core.read(length)


def vmcoreinfo(path):
    """The kernel's note to whoever reads its memory: addresses by name."""
    with open(path, "rb") as core:
        head = core.read(64)
        find = {b"\x7fELF": elf_note, b"KDUM": kdump_note}.get(head[:4])
        text = find(core, head).decode(errors="replace") if find else ""
    if "kallsyms" not in text:
        fail(path, "is no dump, or one of a kernel before 6.0")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def based(offsets, base, stext, is_at):
    """The addresses of offsets from @base. Up to 6.14 per-CPU symbols are absolute and all others
    below zero; where _stext tells, all are above."""
    if base + stext == is_at:
        return [base + (o & 0xffffffff) for o in offsets]
    return [o if o >= 0 else base - 1 - o for o in offsets]


class Kernel:
    """Memory by one drgn program, types by another: drgn reads the types of a module only where it
    knows the kernel's."""

    def __init__(self, core, module):
        self.memory = drgn.Program()
        if core:
            self.memory.set_core_dump(core)
        else:
            self.memory.set_kernel()
        self.info = vmcoreinfo(core or "/proc/kcore")
        self.types = drgn.Program(X86_64)
        self.types.add_memory_segment(0, (1 << 64) - 1, self.read)
        self.types.load_debug_info([module])
        self.symbols = []       # (address, size, name, module), sorted
        self.objects = {}       # of labyrinth, by name
        self.core_symbols()
        self.module_symbols()
        self.symbols.sort()
        if "labyrinth_hot" not in self.objects:
            fail("labyrinth is not loaded there")

    def read(self, address, count, _offset=0, _physical=False):
        return self.memory.read(address, count)

    def u64(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def at(self, kind, address):
        return drgn.Object(self.types, kind, address=address)

    def named(self, kind, name):
        return self.at(kind, self.objects[name])

    def core_symbols(self):
        """Decodes kallsyms: the names are packed, a byte for a token. Newer kernels, which have no
        base, keep the distance from each entry to what it names."""
        def where(name):
            return int(self.info[f"SYMBOL({name})"], 16)

        number, = struct.unpack("<I", self.read(where("kallsyms_num_syms"), 4))
        offsets = struct.unpack(f"<{number}i", self.read(where("kallsyms_offsets"), 4 * number))
        index = struct.unpack("<256H", self.read(where("kallsyms_token_index"), 512))
        table = self.read(where("kallsyms_token_table"), index[255] + 64)
        tokens = [table[i:table.index(0, i)].decode("latin1") for i in index]
        names = self.names(where("kallsyms_names"), number, tokens)
        if "SYMBOL(kallsyms_relative_base)" in self.info:
            stext = offsets[names.index("T_stext")] & 0xffffffff
            addresses = based(offsets, self.u64(where("kallsyms_relative_base")),
                              stext, where("_stext"))
        else:
            addresses = [where("kallsyms_offsets") + 4 * i + o for i, o in enumerate(offsets)]
        self.core = {}
        for address, name in zip(addresses, names):
            self.core[name[1:]] = address
            if name[0] in "tTwW":
                self.symbols.append((address, 0, name[1:], None))

    def names(self, address, number, tokens):
        # A name is 30 bytes packed at the most, in the mean.
        packed = self.read_some(address, 30 * number)
        names, at = [], 0
        for _ in range(number):
            length = packed[at]
            at += 1
            if length & 0x80:
                length = (length & 0x7f) | packed[at] << 7
                at += 1
            names.append("".join(tokens[b] for b in packed[at:at + length]))
            at += length
        return names

    def read_some(self, address, most):
        """What there is of @most bytes: the end may not be mapped."""
        out = b""
        while len(out) < most:
            step = 4096 - (address + len(out)) % 4096
            try:
                out += self.read(address + len(out), step)
            except drgn.FaultError:
                break
        return out

    def module_symbols(self):
        head = self.core["modules"]
        kind = self.types.type("struct module")
        offset = next(m.bit_offset // 8 for m in kind.members if m.name == "list")
        at = self.u64(head)
        while at != head:
            self.one_module(self.at(kind, at - offset))
            at = self.u64(at)

    def one_module(self, module):
        name = module.name.string_().decode()
        kallsyms = module.kallsyms
        number = kallsyms.num_symtab.value_()
        symbols = self.read(kallsyms.symtab.value_(), 24 * number)
        texts = self.read_some(kallsyms.strtab.value_(), 1 << 20 if number > 1 else 1)
        for i in range(number):
            text, info, _, _, value, size = struct.unpack_from("<IBBHQQ", symbols, 24 * i)
            what = texts[text:texts.index(0, text)].decode("latin1")
            if info & 15 == STT_FUNC:
                self.symbols.append((value, size, what, name))
            elif info & 15 == STT_OBJECT and name == "labyrinth":
                self.objects.setdefault(what, value)

    def site(self, address):
        """As %pS, save that a function is as long as its symbol says; and names that Labyrinth has
        kept of code that has gone."""
        kept = self.objects.get("kept", 0)
        if kept <= address < kept + 256 * 128:
            return self.read(address, 128).split(b"\0")[0].decode()
        i = bisect.bisect(self.symbols, (address, 1 << 62)) - 1
        if i < 0:
            return hex(address)
        start, size, name, module = self.symbols[i]
        if address - start > (size or 1 << 16):
            return hex(address)
        length = f"/{size:#x}" if size else ""
        return f"{name}+{address - start:#x}{length}" + (f" [{module}]" if module else "")


class Labyrinth:
    def __init__(self, kernel):
        self.kernel = kernel
        self.hot = kernel.named("struct labyrinth_hot", "labyrinth_hot")
        self.states = self.words("lab_state", "LAB_")
        self.ops = self.words("lab_op", "LAB_OP_")
        self.classes = self.words("lab_class", "LAB_")
        self.contexts = self.words("lab_context", "LAB_CONTEXT_")
        self.hz = self.ticks()
        jiffies = kernel.core.get("jiffies") or kernel.core["jiffies_64"]
        self.now = kernel.u64(jiffies) & 0xffffffff

    def words(self, enum, prefix):
        names = self.kernel.types.type(f"enum {enum}").enumerators
        return {v: n[len(prefix):].lower().replace("_", "-") for n, v in names}

    def ticks(self):
        tick = self.kernel.core.get("tick_nsec")
        ns = self.kernel.u64(tick) if tick else 0
        return round(10 ** 9 / ns) if ns else 250

    def age(self, when):
        return ((self.now - (when & 0xffffffff)) & 0xffffffff) / self.hz

    def owner(self, number):
        owner = self.kernel.named("struct lab_owners", "lab_owners").slots[number]
        return owner

    def owners(self):
        owners = self.kernel.named("struct lab_owners", "lab_owners")
        for i in range(owners.nr.value_()):
            if owners.slots[i].phase.value_():
                yield i, owners.slots[i]

    def name(self, number):
        return self.owner(number).name.string_().decode()

    def slots(self):
        """All tagged pages: (pfn, state, owner, site, when, last or mappings)."""
        table = self.hot.table
        number = table.nr_slots.value_()
        number += (number // STASH_SLOTS + 1) * STASH_TAGS
        size = self.kernel.types.type("struct lab_slot").size
        content = self.kernel.read(table.slots.value_(), number * size)
        for tag, site, when, last in struct.iter_unpack("<QQQQ", content):
            if tag:
                yield (tag & PFN_MASK, self.states[tag >> STATE_SHIFT & STATE_MASK].upper(),
                       tag >> OWNER_SHIFT & OWNER_MASK, site, when, last)

    def show_owners(self):
        counts = collections.Counter((s[2], s[1]) for s in self.slots())
        for i, owner in self.owners():
            pages = " ".join(f"{n} {state}" for (o, state), n in sorted(counts.items()) if o == i)
            gone = "" if owner.phase.value_() == 1 else " (gone)"
            print(f"{i} {owner.name.string_().decode()}{gone} of module "
                  f"{owner.module_name.string_().decode()}: {pages or 'no pages'}")

    def show_sites(self, wanted=None):
        groups = collections.defaultdict(list)
        for _, state, owner, site, when, last in self.slots():
            if state != "CACHED" and wanted in (None, self.name(owner)):
                how = self.mapped(state, site, last) + self.lent(state, when, last)
                groups[owner, state, how, site].append(self.age(when))
        for (owner, state, how, site), ages in sorted(groups.items(), key=lambda g: -len(g[1])):
            where = f", allocated at {self.kernel.site(site)}" if site else ""
            since, ago = ("in limbo for ", "") if state == "LIMBO" else ("", " ago")
            print(f"{owner} {self.name(owner)} {len(ages)} {state}{how}{where}, "
                  f"{since}{min(ages):.3f} to {max(ages):.3f} s{ago}")

    def mapped(self, state, site, last):
        """The mapping made last, as report/census.c tells of it."""
        if state == "POSTED":   # has no record of its mapping
            return f", mapped for DMA by {self.kernel.site(site)}"
        if not last or last & LAST_NOTED:
            return ""
        what = self.kernel.at("struct lab_mapping", last).what
        site = what.site.value_()
        how = f"by {self.kernel.site(site)}" if site else "when the owner went"
        return f", mapped {MAP_KINDS[what.kind.value_()]} {how}"

    def lent(self, state, when, last):
        lent = state == "LENT" or state == "LIMBO" and when & LIMBO_LENT
        if not lent or not last & LAST_NOTED or last >> 1 & 3 != LAST_LEND:
            return ""
        return f", lent by {self.kernel.site(TEXT_BASE | last >> 32)}"

    def pfn_of(self, text):
        value = int(text, 0)
        if value <= PFN_MASK:
            return value
        vmemmap = self.kernel.u64(self.kernel.core["vmemmap_base"])
        if vmemmap <= value < vmemmap + (1 << 40):
            return (value - vmemmap) // 64
        return (value - self.hot.direct_map.value_()) >> PAGE_SHIFT

    def show_page(self, pfn):
        found = [s for s in self.slots() if s[0] == pfn]
        if not found:
            print(f"pfn {pfn:#x}: not a page of Labyrinth's")
        for _, state, owner, site, when, last in found:
            frame = self.kernel.u64(self.kernel.core["vmemmap_base"]) + 64 * pfn
            refs = self.kernel.at("struct lab_frame", frame).refs.value_()
            print(f"pfn {pfn:#x}: {state}, {refs} references, owner \"{self.name(owner)}\" "
                  f"(id {owner}) of module {self.owner(owner).module_name.string_().decode()}")
            if state != "CACHED":
                print(f"  for {self.age(when):.3f} s, allocated at {self.kernel.site(site)}"
                      + self.lent(state, when, last))
            self.show_mappings(0 if last & LAST_NOTED else last)
        self.show_history(pfn)

    def show_mappings(self, address):
        while address:
            mapping = self.kernel.at("struct lab_mapping", address)
            what = mapping.what
            site = what.site.value_()
            how = " when the owner went"
            if site:
                how = (f", {what.size.value_()} bytes at {what.addr.value_():#x}, "
                       f"by {self.kernel.site(site)}")
            print(f"  mapped {MAP_KINDS[what.kind.value_()]}{how}")
            address = mapping.next.value_()

    def show_history(self, pfn):
        rows = self.kernel.u64(self.kernel.objects["history"])
        if not rows:
            print("  no history: history= was 0")
            return
        history = self.kernel.at("struct history", rows)
        place = ((pfn * GOLDEN_RATIO_64 & BUSY) >> 32) * history.nr_rows.value_() >> 32
        row = rows + history.type_.size + place * history.row_size.value_()
        drawn, = struct.unpack("<I", self.kernel.read(row, 4))
        depth = history.depth.value_()
        for i in range(1, depth + 1):
            step = row + 8 + (drawn - i) % depth * 24
            word, site, when, owner, cpu = struct.unpack("<QQIHH", self.kernel.read(step, 24))
            if word and word != BUSY and word & PFN_MASK == pfn:
                self.show_step(word, site, when, owner, cpu)

    def show_step(self, word, site, when, owner, cpu):
        gone = self.owner(owner).generation.value_() & 0xff != word >> LIFE_SHIFT
        whose = "an owner that has gone" if gone else f"\"{self.name(owner)}\""
        print(f"  {self.ops[word >> OP_SHIFT & 0xff]} by {whose} at {self.kernel.site(site)}, "
              f"{self.contexts[word >> CONTEXT_SHIFT & 0xff]}, CPU {cpu}, {self.age(when):.3f} s ago")

    def show_refusals(self):
        counts = self.kernel.objects["counts"]
        for value, word in sorted(self.classes.items()):
            if word != "nr-classes":
                print(f"{word}: {self.kernel.u64(counts + 8 * value)}")

    def show_reports(self):
        entries = self.kernel.objects["entries"]
        size = self.kernel.types.type("struct entry").size
        for i in range(128):
            entry = self.kernel.at("struct entry", entries + i * size)
            if entry.key.value_() > 1:
                text = entry.bytes.address_of_().value_()
                content = self.kernel.read(text, entry.length.value_()).decode("latin1")
                print(f"{entry.count.counter.value_()} times, the last that is kept is "
                      f"#{entry.nr.value_()}:\n{content}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n", 1)[0][7:], add_help=False)
    parser.add_argument("--help", action="store_true")
    parser.add_argument("--core")
    parser.add_argument("--module", required="--help" not in sys.argv)
    parser.add_argument("command", nargs="?", default="")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    commands = {
        "owners": Labyrinth.show_owners,
        "sites": Labyrinth.show_sites,
        "page": lambda lab, *pages: [lab.show_page(lab.pfn_of(page)) for page in pages],
        "refusals": Labyrinth.show_refusals,
        "reports": Labyrinth.show_reports,
    }
    if given.help:
        print(__doc__)
        return
    if given.command not in commands:
        fail(f"there is no command '{given.command}' (see --help)")
    commands[given.command](Labyrinth(Kernel(given.core, given.module)), *given.arguments)


if __name__ == "__main__":
    main()
