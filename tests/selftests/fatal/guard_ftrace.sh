#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ftrace has found itself broken and stopped for good: the file guard says so, and did not
# before. Nothing can be hooked any more, nor let go, so the machine is ended here.
# expect: labyrinth-test: before: guard: refuse, 0 lines of ftrace
# expect: labyrinth-test: after: ftrace: found itself broken
# expect: sysrq: Trigger a crash

GUARD=/sys/kernel/debug/labyrinth/guard

insmod labyrinth.ko guard=refuse
insmod tests/selftests/labyrinth_beside.ko
echo "labyrinth-test: before: $(head -n 1 $GUARD), $(grep -c ^ftrace: $GUARD) lines of ftrace" >/dev/kmsg
echo kill-ftrace >/sys/module/labyrinth_beside/parameters/do
echo "labyrinth-test: after: $(grep ^ftrace: $GUARD)" >/dev/kmsg
echo c >/proc/sysrq-trigger
echo "still alive"
