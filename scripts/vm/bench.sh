#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the benchmark runs, in a guest or on the machine itself: loads both modules
# and prints what they say and where that was. Started as root, in the folder that
# holds labyrinth.ko, with the parameters of the two:
#   bench.sh "capacity=2000000" "tags=1000,10000 ops=1024" [quiet]
# quiet: nothing on the kernel's console.

# What the module has taken: its own text and data, and what it has from vmalloc.
# What owners add, their caches on each CPU, is not there yet.
print_memory() {
	pages=$(sed -n 's/.*\[labyrinth\].* pages=\([0-9]*\) .*/\1/p' /proc/vmallocinfo |
		awk '{ n += $1 } END { print n }')
	core=$(cat /sys/module/labyrinth/coresize)
	capacity=$(cat /sys/module/labyrinth/parameters/capacity)
	echo "memory capacity=$capacity bytes=$((pages * 4096 + core))"
}

print_where() {
	echo "where kernel: $(uname -r)"
	echo "where CPU: $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
	for file in /sys/devices/system/cpu/vulnerabilities/*; do
		[ ! -r "$file" ] || echo "where mitigation: ${file##*/}: $(cat "$file")"
	done
}

# Of the ring of messages, what has come since the bench was loaded last.
print_results() {
	dmesg | sed -n 's/.*labyrinth_bench: //p' | awk '
		$1 == "start" { n = 0; next }
		{ line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }'
}

print_where
[ "${3:-}" != quiet ] || dmesg -n 1
# shellcheck disable=SC2086 # parameters are words
insmod labyrinth.ko report_burst=0 $1 || exit
print_memory
status=0
# For the cases beside it: as long as nothing is followed, it does nothing.
[ ! -e watch/labyrinth_watch.ko ] || insmod watch/labyrinth_watch.ko
# shellcheck disable=SC2086
insmod tests/bench/labyrinth_bench.ko $2 || status=1
print_results
[ "$status" -ne 0 ] || rmmod labyrinth_bench || status=1
[ ! -e /sys/module/labyrinth_watch ] || rmmod labyrinth_watch
rmmod labyrinth || status=1
exit "$status"
