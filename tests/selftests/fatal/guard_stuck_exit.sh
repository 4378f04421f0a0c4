#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A hook that ftrace does not let go while the module is being unloaded: it is too late to
# refuse that, so the unloading never ends.
# expect: labyrinth: guard: .* cannot be let go: -ENODEV; so the module can never be unloaded
# expect: labyrinth-test: rmmod has not come back, the module is there
# expect: sysrq: Trigger a crash

. "${0%/*}/../ktap.sh"
insmod labyrinth.ko guard=refuse || exit
[ -e /sys/module/labyrinth/parameters/guard ] || ktap_skip_all "no guard on this kernel"
insmod tests/selftests/labyrinth_beside.ko
echo stick-on >/sys/module/labyrinth_beside/parameters/do
rmmod labyrinth &
sleep 10
if kill -0 $! && [ -e /sys/module/labyrinth ]; then
	echo "labyrinth-test: rmmod has not come back, the module is there" >/dev/kmsg
fi
echo c >/proc/sysrq-trigger
echo "still alive"
