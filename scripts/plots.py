#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The plots of README.md and Documentation/benchmarks.rst, from the tables that stand there.

Usage: plots.py [--check]
Writes Documentation/pictures/cost.svg and tags.svg; --check writes nothing, and fails if a
plot is not what its table makes of it.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PICTURES = os.path.join(ROOT, "Documentation", "pictures")
COLOURS = ["#1b6ca8", "#9ecae1", "#d1495b", "#f2a6ae", "#777777"]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 860, 430, 70, 62, 340


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read().split("\n")


def readme_costs():
    """The kernels, and (name, figures) of each row of the table under "What it costs"."""
    lines = read("README.md")
    begin = lines.index("## What it costs")
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")]
            for line in lines[begin:] if line.startswith("|")]
    end = next(i for i, row in enumerate(rows) if len(row) != len(rows[0]))
    rows = [[cell.replace("`", "") for cell in row] for row in rows[:end]]
    return rows[0][1:], [(row[0], [float(cell) for cell in row[1:]]) for row in rows[2:]]


def tag_costs():
    """The numbers of tags, and (name, figures) of each row of the first table by tags."""
    lines = read("Documentation/benchmarks.rst")
    begin = next(i for i, line in enumerate(lines) if re.match(r"^ +1,000 +10,000 ", line))
    rows = []
    for line in lines[begin + 1:]:
        words = re.split(r"  +", line.strip())
        if len(words) != len(lines[begin].split()) + 1:
            break
        rows.append((words[0], [float(word) for word in words[1:]]))
    return lines[begin].split(), [row for row in rows if not row[0].startswith("the empty loop")]


def text(x, y, words, anchor="start", size=13, extra=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return (f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-family="sans-serif"'
            f' font-size="{size}"{extra}>{words}</text>')


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}"/>'


def axes(title, xlabel, step, most):
    """The title, the axes with their names, and a line of the grid for each step."""
    right = WIDTH - 20
    parts = [text(LEFT, 24, title, size=16, extra=' font-weight="bold"'),
             text(LEFT, 45, "instructions, counted by qemu; less is better"),
             text((LEFT + right) / 2, BOTTOM + 42, xlabel, "middle"),
             text(18, (TOP + BOTTOM) / 2, "instructions", "middle",
                  extra=f' transform="rotate(-90 18 {(TOP + BOTTOM) / 2:g})"')]
    for value in range(0, most + 1, step):
        y = BOTTOM - (BOTTOM - TOP) * value / most
        parts += [line(LEFT, y, right, y, "#222222" if not value else "#dddddd"),
                  text(LEFT - 8, y + 4, str(value), "end")]
    return parts + [line(LEFT, TOP, LEFT, BOTTOM, "#222222")]


def legend(names):
    """In the order of the bars, two to a line."""
    parts = []
    for i, name in enumerate(names):
        x, y = LEFT + i % 2 * 430, BOTTOM + 54 + i // 2 * 20
        parts += [f'<rect x="{x}" y="{y}" width="12" height="12" fill="{COLOURS[i]}"/>',
                  text(x + 18, y + 11, name)]
    return parts


def bars(title, xlabel, ticks, series, step):
    """A group of bars for each tick, a bar for each of the series, its figure above it."""
    # With room for the figure above the highest bar.
    most = int(max(max(values) for _, values in series) * 1.05 / step + 1) * step
    parts = axes(title, xlabel, step, most)
    group = (WIDTH - 20 - LEFT) / len(ticks)
    width = group * 0.86 / len(series)
    for i, tick in enumerate(ticks):
        left = LEFT + group * (i + 0.07)
        for n, (_, values) in enumerate(series):
            height = (BOTTOM - TOP) * values[i] / most
            x = left + n * width
            parts += [f'<rect x="{x:.1f}" y="{BOTTOM - height:.1f}" width="{width - 2:.1f}"'
                      f' height="{height:.1f}" fill="{COLOURS[n]}"/>',
                      text(round(x + width / 2 - 1, 1), round(BOTTOM - height - 4, 1),
                           f"{values[i]:g}", "middle", 10)]
        parts.append(text(LEFT + group * (i + 0.5), BOTTOM + 20, tick, "middle"))
    return parts + legend([name for name, _ in series])


def svg(parts, series):
    height = BOTTOM + 62 + (len(series) + 1) // 2 * 20
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<!-- SPDX-License-Identifier: GPL-2.0-only -->\n'
            '<!-- Made by scripts/plots.py: change the table, not this. -->\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def plots():
    kernels, costs = readme_costs()
    yield "cost.svg", svg(bars("A page allocated and freed, on four of Debian's kernels", "kernel",
                               kernels, costs, 200), costs)
    tags, costs = tag_costs()
    yield "tags.svg", svg(bars("One call, by how many pages there are", "pages in the owner table",
                               tags, costs, 50), costs)


def main(argv):
    if argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    wrong = 0
    for name, content in plots():
        path = os.path.join(PICTURES, name)
        if not argv[1:]:
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        elif not os.path.exists(path) or read(path) != content.split("\n"):
            print(f"Documentation/pictures/{name}:1: not what its table says; run scripts/plots.py")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv))
