#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# on_refusal=panic: the machine ends at the first refusal, after its report. The
# runner looks for these lines, in this order, at the end of the kernel's log:
# expect: BUG: labyrinth: foreign-free in .*\[labyrinth_probe\]
# expect: Kernel panic - not syncing: labyrinth: foreign-free in .*\[labyrinth_probe\]

insmod labyrinth.ko on_refusal=panic
insmod tests/selftests/labyrinth_probe.ko
echo hold >/sys/kernel/debug/labyrinth_probe/do
echo foreign-free >/sys/kernel/debug/labyrinth_probe/do
echo "still alive"
