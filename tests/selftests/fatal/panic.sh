#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A driver gives up, with a page's address in the message. The serial console has the page's
# owner, state and call site, and with history= the last steps.
# expect: Kernel panic - not syncing: labyrinth-test: the page at [0-9a-f]+ is broken
# expect: labyrinth: [0-9]+ pages are tagged, 0 refusals and findings were counted before the panic
# expect: labyrinth: message 0x[0-9a-f]+ is in pfn 0x[0-9a-f]+, HELD by "probe" \(id [0-9]+\) of module labyrinth_probe
# expect: labyrinth:   for [0-9.]+ s, allocated at do_panic\+.*\[labyrinth_probe\]
# expect: labyrinth:   alloc by "probe" at do_panic\+.*\[labyrinth_probe\], task, CPU [0-9]+, [0-9.]+ s ago

insmod labyrinth.ko history=4
insmod tests/selftests/labyrinth_probe.ko
echo panic >/sys/kernel/debug/labyrinth_probe/do
echo "still alive"
