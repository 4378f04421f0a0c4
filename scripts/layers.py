#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Usage: scripts/layers.py ROOT FILE...
Proves that the layers of labyrinth.ko, and of labyrinth_watch.ko, hold. FILE is each of the module's sources, as a path
below ROOT. Prints what breaks one of these rules, and then ends with 3:

- each file stands in a layer of the table below;
- a file includes files of its own layer and of those before it, and no header includes
  itself by way of others;
- a file calls functions, and reads data, of its own layer and of those before it;
- no file calls another that, directly or by others, calls it back.

Read from the sources, so it needs no build, and sees what is configured out as well.
"""

import collections
import os
import re
import sys

# Lowest first. A name that ends in "/" is a folder, all others are files at the top.
LAYERS = [
    "labyrinth_compat.h",   # what differs between kernel versions
    "inline/",              # what is compiled into drivers
    "labyrinth_alloc.h",    # the public header
    "core/",                # the owner table, frames, slots of owners, parameters
    "hook/",                # hooks that are shared, and how Labyrinth calls what is hooked
    "watch/",               # labyrinth_watch.ko, which stands beside labyrinth.ko
    "report/",              # words, tracepoints, texts, what was reported
    "page/",                # a page's way: caches, limbo, calls, mappings, lend, query
    "map/",                 # into a process, into the kernel, for a device
    "guard/",               # calls of others refused
    "system/",              # debugfs, shrinker, vetoes
    "labyrinth_owner.h",
    "labyrinth_alloc.c",    # the calls
    "labyrinth_rx.c",       # and those that make several steps at once
    "labyrinth_transfer.c",
    "labyrinth_owner.c",
    "labyrinth_main.c",     # the order of all
]

# A driver calls what is exported, wherever that stands: so do what is compiled into it, and
# labyrinth_watch.ko.
DRIVER = ("inline/", "labyrinth_alloc.h", "watch/")

OURS = r"(?:lab|labyrinth|watch)_\w+"
# At the start of a line, the head of a definition: of a function, or of data.
FUNCTION = re.compile(r"^(?!typedef\b|#)[A-Za-z_][^;{}=#()]*?\b(\w+)\((?:[^;{}#]|\([^)]*\))*\)"
                      r"[^;{}#=]*\n\{", re.M)
DATA = re.compile(r"^(?!static\b|extern\b|typedef\b|return\b|#)[A-Za-z_][^;{}=#()]*?\b(" + OURS +
                  r")(?:\[[^]]*\])*(?:\s+__\w+)*\s*(?:,[^;{}()]*)?(?:=|;)", re.M)
# To declare is not to use.
DECLARED = re.compile(r"^(?!static\b)[A-Za-z_][^;{}=#]*;", re.M)
MACRO = re.compile(r"^#[ \t]*define[ \t]+(" + OURS + r")\b", re.M)
EVENT = re.compile(r"^(?:TRACE_EVENT|DEFINE_EVENT(?:_FN)?|LAB_\w+_EVENT)\((?:\w+, )?(\w+)", re.M)
ASSEMBLER = re.compile(r"^(?:SYM_\w+\(|LAB_\w+ )(" + OURS + r")", re.M)
OWN_CALL = re.compile(r"^LAB_OWN_CALL (\w+)", re.M)
EXPORT = re.compile(r"^EXPORT_SYMBOL_NS_GPL\((\w+)", re.M)
INCLUDE = re.compile(r'^#[ \t]*include[ \t]+"([^"]+)"', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def layer_of(path):
    """The number of the layer that path is in, or None."""
    for number, name in enumerate(LAYERS):
        if path == name or (name.endswith("/") and path.startswith(name)):
            return number
    return None


def bare(text):
    """The source without comments and strings, but for the names that are included."""
    def blank(match):
        found = match.group(0)
        start = text.rfind("\n", 0, match.start()) + 1
        if found[0] == '"' and text[start:match.start()].lstrip().startswith("#"):
            return found
        return "\n" * found.count("\n") or " "
    return COMMENT.sub(blank, text)


class Source:
    """One file: what it includes, what it defines for others, what it uses."""

    def __init__(self, root, path):
        self.path = path
        self.unit = os.path.splitext(path)[0]
        with open(os.path.join(root, path), encoding="utf-8") as file:
            self.text = bare(file.read())
        self.includes = INCLUDE.findall(self.text)
        self.exports = set(EXPORT.findall(self.text))
        self.defines = self.definitions()
        used = DECLARED.sub("", self.text) if path.endswith(".h") else self.text
        self.uses = set(re.findall(r"\b(?:" + OURS + r"|trace_\w+)\b", used))
        self.uses |= {"lab_own_" + name for name in re.findall(r"\bLAB_OWN\((\w+)\)", used)}

    def definitions(self):
        if self.path.endswith(".S"):
            own = {"lab_own_" + name for name in OWN_CALL.findall(self.text)}
            return own | set(ASSEMBLER.findall(self.text))
        # What is static in a header is for those who include it.
        header = self.path.endswith(".h")
        found = {match.group(1) for match in FUNCTION.finditer(self.text)
                 if header or not match.group(0).startswith("static ")}
        found |= set() if header else set(DATA.findall(self.text))
        if header:
            found |= set(MACRO.findall(self.text))
            found |= {"trace_" + name for name in EVENT.findall(self.text)}
        return found


def resolve(source, name, paths):
    """The file that source includes by name, as the compiler looks for it."""
    beside = os.path.normpath(os.path.join(os.path.dirname(source.path), name))
    return beside if beside in paths else name if name in paths else None


def first_cycle(edges):
    """The nodes of a cycle in order, or None."""
    state = {}

    def visit(node, way):
        state[node] = "open"
        for to in sorted(edges.get(node, ())):
            if state.get(to) == "open":
                return way[way.index(to):] + [to]
            if to not in state:
                cycle = visit(to, way + [to])
                if cycle:
                    return cycle
        state[node] = "done"
        return None

    for node in sorted(edges):
        cycle = None if node in state else visit(node, [node])
        if cycle:
            return cycle
    return None


def check_places(sources):
    for source in sources:
        if layer_of(source.path) is None:
            yield f"{source.path}:1: in no layer of scripts/layers.py"


def check_includes(sources):
    paths = {source.path for source in sources}
    edges = collections.defaultdict(set)
    for source in sources:
        for name in source.includes:
            to = resolve(source, name, paths)
            if not to:
                yield f'{source.path}:1: includes "{name}", which is none of the module\'s'
            elif layer_of(to) > layer_of(source.path):
                yield f"{source.path}:1: includes {to}, of a layer above its own"
            else:
                edges[source.path].add(to)
    cycle = first_cycle(edges)
    if cycle:
        yield f"{cycle[0]}:1: headers in a circle: {' -> '.join(cycle)}"


def calls(sources):
    """For each unit the units that it uses: {unit: {unit: name}}."""
    home, exports = {}, set()
    for source in sources:
        exports |= source.exports
        for name in source.defines:
            if name not in home or not source.path.endswith(".h"):
                home[name] = source.unit
    edges = collections.defaultdict(dict)
    for source in sources:
        for name in sorted(source.uses & home.keys()):
            if source.path.startswith(DRIVER) and name in exports:
                continue
            # The functions behind the names that a driver's inline paths have taken.
            if home[name] != source.unit and name not in source.defines:
                edges[source.unit][home[name]] = name
    return edges


def check_calls(sources):
    edges = calls(sources)
    where = {source.unit: layer_of(source.path) for source in sources
             if not source.path.endswith(".h")}
    for source in sources:
        where.setdefault(source.unit, layer_of(source.path))
    for unit, used in sorted(edges.items()):
        for to, name in sorted(used.items()):
            if where[to] > where[unit]:
                yield f"{unit}:1: uses {name} of {to}, of a layer above its own"
    cycle = first_cycle(edges)
    if cycle:
        steps = [f"{a} -({edges[a][b]})-> {b}" for a, b in zip(cycle, cycle[1:])]
        yield f"{cycle[0]}:1: calls in a circle: {'; '.join(steps)}"


def check_names(sources):
    """What crosses files says whose it is."""
    for source in sources:
        if not source.path.endswith(".c"):
            continue
        for name in sorted(source.defines):
            if not re.fullmatch(OURS, name):
                yield f"{source.path}:1: {name} is neither static nor named lab_"


def main():
    root, paths = sys.argv[1], sys.argv[2:]
    sources = [Source(root, path) for path in paths]
    # Or a source that is no more read as such would pass for a good one.
    if sum(len(source.defines) for source in sources) < len(sources):
        print("layers.py: hardly a definition found: are these the module's sources?",
              file=sys.stderr)
        sys.exit(2)
    findings = list(check_places(sources))
    if not findings:
        findings = [*check_includes(sources), *check_calls(sources), *check_names(sources)]
    for finding in findings:
        print(finding)
    sys.exit(3 if findings else 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["--help"]:
        print(__doc__)
    elif len(sys.argv) < 3:
        sys.exit("layers.py: no FILE (see --help)")
    else:
        try:
            main()
        except (OSError, UnicodeDecodeError, RecursionError) as error:
            print(f"layers.py: {error}", file=sys.stderr)
            sys.exit(2)
