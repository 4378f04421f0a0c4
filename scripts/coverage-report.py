#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Usage: scripts/coverage-report.py BUILD-FOLDER LIST
Reads what gcov says of every object in a build folder and prints of each of
Labyrinth's own files how many lines and branches have been run. What has not been
is written to LIST, each line with its source. Ends with 1 below the targets.

A header's functions are compiled into many objects, and where they are inline several
times into one function, which then has their branches as often, one set after the
other. All are added up.
"""

import collections
import json
import os
import subprocess
import sys

LINES_WANTED = 95
BRANCHES_WANTED = 85

# Their macros are the kernel's, and so is every branch in them.
NO_BRANCHES = {"report/trace.h"}


class Line:
    """One line of source: how often it was run, and which ways it went."""

    def __init__(self):
        self.count = 0
        self.seen = []

    def add(self, count, branches):
        self.count += count
        if branches:
            self.seen.append(branches)

    @property
    def branches(self):
        """One set of branches, the smallest that an object has."""
        size = min(map(len, self.seen), default=0)
        return [sum(sum(branches[i::size]) for branches in self.seen) for i in range(size)]


def objects(build):
    for folder, _, names in os.walk(build):
        for name in sorted(names):
            if name.endswith(".gcda"):
                yield os.path.join(folder, name)


def gcov(counts):
    """What gcov makes of one file of counts."""
    command = ["gcov-12", "--branch-probabilities", "--json-format", "--stdout", counts]
    answer = subprocess.run(command, cwd=os.path.dirname(counts), check=True,
                            capture_output=True).stdout
    return json.loads(answer)["files"]


def is_ours(path, build):
    """Below the build folder: labyrinth.ko's own, neither samples nor tests nor generated."""
    name = os.path.relpath(path, build)
    return not name.startswith(("..", "samples/", "tests/")) and not name.endswith(".mod.c")


def collect(build):
    """All lines of our files: {file name: {number: Line}}."""
    files = collections.defaultdict(lambda: collections.defaultdict(Line))
    for counts in objects(build):
        for entry in gcov(counts):
            path = os.path.normpath(os.path.join(os.path.dirname(counts), entry["file"]))
            if not is_ours(path, build):
                continue
            name = os.path.relpath(path, build)
            for line in entry["lines"]:
                branches = [] if name in NO_BRANCHES else [
                    branch["count"] for branch in line["branches"]]
                files[name][line["line_number"]].add(line["count"], branches)
    return files


class Tally:
    """Lines and branches, run and in all."""

    def __init__(self, lines=()):
        branches = [count for line in lines for count in line.branches]
        self.lines = len(lines)
        self.lines_run = sum(1 for line in lines if line.count)
        self.branches = len(branches)
        self.branches_run = sum(1 for count in branches if count)

    def __iadd__(self, other):
        for key, value in vars(other).items():
            setattr(self, key, getattr(self, key) + value)
        return self


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def print_row(name, tally):
    print(f"{name:<24} {tally.lines_run:>5} of {tally.lines:<5}"
          f" {percent(tally.lines_run, tally.lines):>6.1f} %"
          f" {tally.branches_run:>5} of {tally.branches:<5}"
          f" {percent(tally.branches_run, tally.branches):>6.1f} %")


def print_table(files):
    total = Tally()
    print(f"{'file':<24} {'lines':>14} {'':>8} {'branches':>14}")
    for name in sorted(files):
        tally = Tally(list(files[name].values()))
        print_row(name, tally)
        total += tally
    print_row("all", total)
    return total


def missed(line):
    """What of a line has not been run, in words; or nothing."""
    if not line.count:
        return "never run"
    never = [str(i) for i, count in enumerate(line.branches) if not count]
    return f"branch {', '.join(never)} of {len(line.branches)} never taken" if never else ""


def write_list(files, build, path):
    with open(path, "w", encoding="utf-8") as out:
        for name in sorted(files):
            with open(os.path.join(build, name), encoding="utf-8") as source:
                text = source.read().splitlines()
            for number in sorted(files[name]):
                words = missed(files[name][number])
                if words:
                    out.write(f"{name}:{number}: {words}: {text[number - 1].strip()}\n")


def main(build, path):
    files = collect(build)
    if not files:
        sys.exit("coverage-report.py: no object has been run")
    total = print_table(files)
    write_list(files, build, path)
    return (percent(total.lines_run, total.lines) < LINES_WANTED or
            percent(total.branches_run, total.branches) < BRANCHES_WANTED)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] == "--help":
        sys.exit(__doc__)
    sys.exit(main(os.path.realpath(sys.argv[1]), sys.argv[2]))
