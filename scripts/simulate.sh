#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/simulate.sh [--short] [--seed N] [--out DIR]
# Simulates large machines, in user space, with the module's own code compiled as it is
# (table, lists, caches, depot, owners, main calls) against a shim of kernel headers
# (tests/simulate): machines of 64 and 256 CPUs, 8 nodes, 16M and 268M frames.
# Prints how full the owner table gets and what a look-up costs then, which cache lines
# move between CPUs for an allocation and a free, and what that means at 100, 200 and
# 400 Gb/s. The same seed gives the same figures. Options:
#   --short    in seconds: 16M frames and 64 CPUs only
#   --seed N   another order of frames and CPUs (default 1)
#   --out DIR  where the tables go as well (default: in the cache)
# The largest table takes 9 GB of memory, and is skipped where there is less.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

short='' seed=1 out=''
options "short seed=number out=out" "$@"
no_arguments "${args[@]}"

NODES=8
SIM=$LAB_ROOT/tests/simulate
# Compiled as they are, and with every load and store told to lines.c.
CODE=(core/hot core/table core/owner page/depot page/cache page/limbo page/call labyrinth_alloc)

# Frames, capacity, frames in a row: by default a sixteenth of RAM on such machines, then a
# quarter, then a slot for every frame.
fills() {
	cat <<-'END'
		16777216	1048576	32
		16777216	1048576	1
	END
	[[ -z $short ]] || return 0
	cat <<-'END'
		16777216	4194304	32
		16777216	12582912	32
		268435456	16777216	32
		268435456	67108864	32
		268435456	201326592	32
	END
}

# CPUs, frames, capacity, rounds.
machines() {
	if [[ -n $short ]]; then
		echo 64 16777216 1048576 20
		return
	fi
	cat <<-'END'
		64	16777216	1048576	200
		64	16777216	12582912	200
		64	268435456	16777216	200
		256	16777216	1048576	200
		256	268435456	16777216	200
	END
}

# A header of the kernel's is whatever the shim has.
make_headers() {
	local header
	grep -rhoE '^#include <[a-z0-9_/-]+/[a-z0-9_/-]+\.h>' "$LAB_ROOT"/{core,inline,page,report,map}/*.[ch] \
		"$LAB_ROOT"/labyrinth_*.[ch] | sed 's/.*<\(.*\)>/\1/' | sort -u |
		while read -r header; do
			mkdir -p "$scratch/include/$(dirname "$header")"
			echo '#include "shim.h"' >"$scratch/include/$header"
		done
	: >"$scratch/include/trace/define_trace.h"
}

compile() {
	gcc -std=gnu11 -O2 -Wall -Wno-unused -Wno-address -fno-strict-aliasing -fno-strict-overflow \
		-DLAB_PROBED -DLAB_HAS_BULK_ARRAY -DLAB_HAS_PUT_PAGES_LIST \
		-I"$scratch/include" -I"$SIM" -I"$LAB_ROOT" "$@"
}

build() {
	local file
	make_headers
	for file in "${CODE[@]/#/$LAB_ROOT/}" "$SIM/drive"; do
		compile -fsanitize=thread -c "$file.c" -o "$scratch/$(basename "$file").o" || return
	done
	for file in machine aside lines traffic; do
		compile -c "$SIM/$file.c" -o "$scratch/$file.o" || return
	done
	gcc "$scratch"/*.o -o "$scratch/traffic" || return
	compile -DSIM_COUNT_LOADS "$LAB_ROOT"/core/{table,hot}.c "$SIM"/{machine,fill}.c -o "$scratch/fill"
}

# Whether there is memory for a table, with its hints, for so many pages.
have_room() {
	(($(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo) > $1 * 50 / 1024))
}

run_fill() {
	if ! have_room "$2"; then
		say "    skipped: a table for $2 pages of $1 frames wants $(($2 * 50 / 1048576)) MB"
		return
	fi
	run_logged "a table for $2 pages of $1 frames, in runs of $3" "$scratch/log" \
		"$scratch/fill" "$NODES" "$1" "$2" "$3" "$seed" || return
	tee -a "$out/fill.txt" <"$scratch/log"
}

run_machine() {
	run_logged "a machine of $1 CPUs and $2 frames, capacity $3" "$scratch/log" \
		"$scratch/traffic" "$1" "$NODES" "$2" "$3" "$4" "$seed" || return
	grep -v '^    simulated' "$scratch/log" | tee -a "$out/traffic.txt"
}

# With the counts of tests/bench/budget.txt and the lines that the last machine moved.
# A frame takes 38 bytes more on the wire; a page holds a buffer, so 9000 bytes take 3.
print_limits() {
	awk '
	FILENAME ~ /budget/ && $1 == "hot" { cost[$2] = $3 }
	FILENAME ~ /budget/ { next }
	/^any, freed on another node, an owner each/ { lines = $(NF - 4) }
	END {
		printf "%6s %6s %10s %10s %10s %10s %10s %10s\n", "Gb/s", "bytes", "frames",
			"pages", "SINGLE", "any", "by depot", "lines"
		printf "%6s %6s %10s %10s %10s %10s %10s %10s\n", "", "", "M/s", "M/s",
			"Ginstr/s", "Ginstr/s", "Ginstr/s", "M/s"
		for (rate = 100; rate <= 400; rate *= 2)
			for (size = 1500; size <= 9000; size += 7500) {
				frames = rate * 1000 / 8 / (size + 38)
				pages = frames * (size > 4096 ? 3 : 1)
				printf "%6d %6d %10.2f %10.2f %10.2f %10.2f %10.2f %10.1f\n",
					rate, size, frames, pages, pages * cost["single-pair"] / 1000,
					pages * cost["any-pair"] / 1000,
					pages * cost["any-flood"] / 1000, pages * lines
			}
	}' "$LAB_ROOT/tests/bench/budget.txt" "$out/traffic.txt" | tee "$out/limits.txt"
}

# What must hold, of a table: at its capacity no page is refused.
keeps_capacity() {
	awk '
	/^a page is refused after|^no frame is left after/ {
		tables++
		for (i = 1; i <= NF; i++)
			if ($i == "%")
				bad += $(i - 1) < 100
	}
	END { exit !(tables && !bad) }' "$out/fill.txt"
}

# A page that is held is found by two comparisons in the mean, at the capacity.
finds_quickly() {
	awk '$2 == "100.0" && NF == 9 { seen++; bad += $4 > 2 } END { exit !(seen && !bad) }' "$out/fill.txt"
}

# Pages that stay with their CPU move no line, but for what moved before, and for two pages of
# two CPUs that share a line.
moves_nothing() {
	awk '/own pages( |, an owner each|.*large)/ { seen++; bad += $(NF - 4) > 0.1 }
		END { exit !(seen && !bad) }' "$out/traffic.txt"
}

moves_few() {
	awk '/^any, freed.*an owner each/ { seen++; bad += $(NF - 4) > 2.6 }
		END { exit !(seen && !bad) }' "$out/traffic.txt"
}

refuses_nothing() {
	awk '/^(any|SINGLE),/ { seen++; bad += $NF } END { exit !(seen && !bad) }' "$out/traffic.txt"
}

log_dir
"$LAB_SCRIPTS/deps.sh" model
out=${out:-$LABYRINTH_CACHE/simulate}
mkdir -p "$out"
rm -f "$out"/{fill,traffic,limits}.txt
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run_logged "building the simulation" "$LABYRINTH_LOGS/simulate-build.log" build || die "the simulation does not build"
while read -r frames capacity run; do
	run_fill "$frames" "$capacity" "$run" || die "the simulation failed"
done < <(fills)
while read -r cpus frames capacity rounds; do
	run_machine "$cpus" "$frames" "$capacity" "$rounds" || die "the simulation failed"
done < <(machines)
print_limits
status=0
result_of "simulate: each table keeps its capacity" keeps_capacity || status=1
result_of "simulate: a look-up compares 2 tags in the mean, at most" finds_quickly || status=1
result_of "simulate: pages that stay with a CPU move no line between CPUs" moves_nothing || status=1
result_of "simulate: an allocation and a free on two CPUs move 2.6 lines, at most" moves_few || status=1
result_of "simulate: no allocation is refused" refuses_nothing || status=1
exit "$status"
