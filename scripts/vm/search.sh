#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: how long labyrinth_watch searches for who holds a page, and takes a census, in this
# machine, with nothing done besides. Then once more with 77 MB of Labyrinth's history, which is so
# much more of the kernel's memory to be read. A line for each: the frames' MB, the kernel's MB that are
# read word by word (about), and the ms of a search and of a census, the least of some.

FOLDER=/sys/kernel/debug/labyrinth_watch
RUNS="1 2 3 4 5"

# The last line of the answer ends with the frames' size and the time.
search() {
	echo "pfn $pfn" >$FOLDER/holders
	sed -n 's/.* frames of \([0-9]*\) MB, \([0-9]*\) ms$/\1 \2/p' $FOLDER/holders
}

census() { sed -n 's/^census: \([0-9]*\) ms$/\1/p' $FOLDER/pools; }

least() {
	for _ in $RUNS; do
		"$1"
	done | sort -n -k "$2" | head -n 1
}

read_mb() {
	awk '/^(Slab|VmallocUsed|KernelStack):/ { kb += $2 } END { print int(kb / 1024) }' /proc/meminfo
}

measure() {
	searched=$(least search 2)
	echo "cost ${searched% *} $(read_mb) ${searched#* } $(least census 1)"
}

dmesg -n 1
insmod watch/labyrinth_watch.ko share=100 || exit
insmod tests/selftests/labyrinth_leaky.ko || exit
pfn=$(cat /sys/module/labyrinth_leaky/parameters/pfn_slab)
measure
insmod labyrinth.ko capacity=50000 history=64 || exit
measure
