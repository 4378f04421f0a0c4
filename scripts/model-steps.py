#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Usage: scripts/model-steps.py [--print]
Holds the model against the code: tests/model/steps names, for each step of
tests/model/*.pml, the functions that take the step, and what each function does to
words that CPUs share, in the order of the source. A function that does other things than
its line says, a step without a line and a line without a step are told; the status is 1
then. --print prints the lines as the code is: read them against the model before they go
into the table.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STEPS = ROOT / "tests/model/steps"
MODELS = (ROOT / "tests/model").glob("*.pml")

# What is done to words that other CPUs see, and what orders it.
SHARED = re.compile(r"""\b(
    READ_ONCE | WRITE_ONCE | smp_\w+ | (?:this_cpu_|try_|raw_)?(?:try_)?cmpxchg\w* | xchg |
    atomic\w* | test_and_\w+ | set_bit | clear_bit | (?:raw_)?spin_(?:un)?lock\w* |
    rcu_read_(?:un)?lock\w* | synchronize_\w+ | mutex_(?:try|un)?lock\w* | irq_work_queue | local_irq_\w+ | page_ref_\w+ | put_page |
    get_page(?:_unless_zero)? | __free_page | this_cpu_(?:inc|dec|add|sub) | lab_tag_store_state
)\s*\(""", re.X)


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group().count("\n"), text,
                  flags=re.S)


def body_of(text, name):
    """What stands between the braces of a function, or None."""
    start = re.search(r"^[^\s#][^;{}=]*\b%s\([^;{}]*\)\n\{\n" % re.escape(name), text, re.M)
    if not start:
        return None
    return text[start.end():text.index("\n}", start.end())]


def arguments(text, start):
    """What stands between a call's brackets, the first of which is before @start."""
    depth = 1
    for end in range(start, len(text)):
        depth += (text[end] in "([") - (text[end] in ")]")
        if not depth:
            return re.sub(r"\s+", " ", text[start:end])
    return ""


def operations(body, steps):
    """In order: each access to a shared word, and each call of a function in the table."""
    calls = re.compile(r"\b(%s)\s*\(" % "|".join(map(re.escape, sorted(steps))))
    found = {m.start(): m for regex in (SHARED, calls) for m in regex.finditer(body)}
    return ["%s(%s)" % (m.group(1), arguments(body, m.end())) for _, m in sorted(found.items())]


def read_table():
    """For each place in the code: the step, the file, the function, and what it does."""
    rows = []
    for line in STEPS.read_text().splitlines():
        if line.startswith("\t"):
            rows[-1][3].append(line.strip())
        elif line and not line.startswith("#"):
            step, path, function = re.match(r"(\w+)\s+(\S+):(\w+)$", line).groups()
            rows.append((step, path, function, []))
    return rows


def show(operations):
    return "".join(f"\t{operation}\n" for operation in operations)


def compare(rows, printing):
    functions = {function for _, _, function, _ in rows}
    complaints = []
    for step, path, function, told in rows:
        source = ROOT / path
        body = body_of(without_comments(source.read_text()), function) if source.exists() else None
        if body is None:
            complaints.append(f"{step}: there is no function {function}() in {path}")
            continue
        done = operations(body, functions - {function})
        if printing:
            print(f"{step} {path}:{function}\n{show(done)}", end="")
        elif done != told:
            complaints.append(f"{step}: {function}() in {path} does\n{show(done)}"
                              f"and the model was made for\n{show(told)}")
    return complaints


def steps_of_model():
    """Without the inlines by which the model sets up, counts, and lets interrupts in."""
    own = r"begin_scenario|enter_interrupt|leave_interrupt|finish|put_in|put_on|count_\w+|census_of"
    return [name for model in MODELS
            for name in re.findall(r"^inline (?!%s)(\w+)\(" % own, model.read_text(), re.M)]


def main():
    if sys.argv[1:] == ["--help"]:
        print(__doc__)
        return
    printing = sys.argv[1:] == ["--print"]
    if sys.argv[1:] and not printing:
        sys.exit(f"model-steps.py: unknown argument '{sys.argv[1]}' (see --help)")
    rows = read_table()
    complaints = compare(rows, printing)
    named = {step for step, _, _, _ in rows}
    modelled = set(steps_of_model())
    complaints += [f"{step}: a step of the model that no function takes" for step in modelled - named]
    complaints += [f"{step}: not a step of the model" for step in named - modelled]
    if complaints:
        sys.exit("\n".join(sorted(complaints)))
    if not printing:
        print(f"{len(modelled)} steps of the model are what {len(rows)} functions do")


main()
