#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A module follows a pointer that it found in another driver's page, and oopses, and so does
# one that jumps into a page; then the machine panics. All have Labyrinth's lines.
# expect: labyrinth: (R[A-Z0-9]+|x[0-9]+) 0x[0-9a-f]+ is in pfn 0x[0-9a-f]+, HELD by "probe" \(id [0-9]+\) of module labyrinth_probe
# expect: labyrinth:   for [0-9.]+ s, allocated at do_oops\+.*\[labyrinth_probe\]
# expect: labyrinth:   alloc by "probe" at do_oops\+.*\[labyrinth_probe\], task, CPU [0-9]+, [0-9.]+ s ago
# expect: labyrinth-test: a register has the struct page
# expect: labyrinth: (fault address|pc) 0x[0-9a-f]+ is in pfn 0x[0-9a-f]+, HELD by "probe"
# expect: labyrinth-test: the machine goes on
# expect: Kernel panic - not syncing: sysrq triggered crash
# expect: labyrinth: [0-9]+ pages are tagged, 0 refusals and findings were counted before the panic

insmod labyrinth.ko history=4
insmod tests/selftests/labyrinth_probe.ko
echo 0 >/proc/sys/kernel/panic_on_oops
(echo oops >/sys/kernel/debug/labyrinth_probe/do)
# Before the page's register, or after it.
dmesg | grep -qE 'labyrinth: (R[A-Z0-9]+|x[0-9]+) 0x[0-9a-f]+ is the struct page of pfn 0x[0-9a-f]+, HELD by "probe"' &&
	echo "labyrinth-test: a register has the struct page" >/dev/kmsg
(echo execute >/sys/kernel/debug/labyrinth_probe/do)
echo "labyrinth-test: the machine goes on" >/dev/kmsg
echo c >/proc/sysrq-trigger
echo "still alive"
