#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A hook that ftrace does not let go: its calls go on coming, so the module must stay. The
# machine cannot get rid of it any more, and is ended here.
# expect: labyrinth: guard: .* cannot be let go: -ENODEV; so the module can never be unloaded
# expect: labyrinth-test: rmmod is refused
# expect: sysrq: Trigger a crash

. "${0%/*}/../ktap.sh"
insmod labyrinth.ko guard=refuse || exit
[ -e /sys/module/labyrinth/parameters/guard ] || ktap_skip_all "no guard on this kernel"
insmod tests/selftests/labyrinth_beside.ko
echo stick-on >/sys/module/labyrinth_beside/parameters/do
echo off >/sys/module/labyrinth/parameters/guard
rmmod labyrinth || echo "labyrinth-test: rmmod is refused" >/dev/kmsg
echo c >/proc/sysrq-trigger
echo "still alive"
