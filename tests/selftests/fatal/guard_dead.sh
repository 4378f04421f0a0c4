#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ftrace finds itself broken and stops for good, by somebody else's mistake, while the guard
# is armed: dmesg says once that the guard is dead, and so does the file. On 6.1, two BPF
# programs on one hooked function are enough. Nothing brings ftrace back, so the machine is
# ended here.
# expect: labyrinth: guard: refuse, hooks armed
# expect: labyrinth-test: the guard is not dead: refuse; vmap ENOMEM
# expect: WARNING: .*ftrace_ops_list_func
# expect: labyrinth: guard: dead: ftrace stopped
# expect: labyrinth-test: what nobody else traces is refused: EIO
# expect: labyrinth-test: asked: refuse, dead: ftrace stopped; vmap unsure, mm_page_free armed
# expect: labyrinth-test: said 1 times
# expect: labyrinth: guard: refuse, dead: ftrace stopped, hooks armed
# expect: sysrq: Trigger a crash

TESTS=${0%/*}/..
DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do

say() { echo "labyrinth-test: $*" >/dev/kmsg; }
guard() { sed -n 's/^guard: //p' $DEBUGFS/guard; }
state_of() { sed -n "s/^$1 *[a-z]* *\([a-z]*\) .*/\1/p" $DEBUGFS/guard; }
intrude() { "$TESTS/user/intrude" "$1" "$pfn" now 2>&1; }
has_warned() { dmesg | grep -q "WARNING: .*ftrace_ops_list_func"; }

# The guard looks at ftrace about once a second: at what moment of the test, is chance.
await_death() {
	tries=0
	until dmesg | grep -q "guard: dead" || [ $tries -ge 100 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
}

# One fentry program, then one fexit program on the same function.
attach_two() {
	[ -e /sys/kernel/btf/vmlinux ] || return
	for how in fentry fexit; do
		"$TESTS/user/bpf" $how vmap >/tmp/$how &
		until grep -q ready /tmp/$how 2>/dev/null; do sleep 0.1; done
		say "$how: $(head -n 1 /tmp/$how)"
	done
	intrude vmap
}

. "${0%/*}/../ktap.sh"
insmod labyrinth.ko guard=refuse || exit
[ -e /sys/module/labyrinth/parameters/guard ] || ktap_skip_all "no guard on this kernel"
for module in probe intruder beside; do insmod tests/selftests/labyrinth_$module.ko; done
echo hold >$DO
pfn=$(sed -n 's/^\(0x[0-9a-f]*\) .* HELD.*/\1/p' $DEBUGFS/pages)
say "the guard is not dead: $(guard); vmap $(intrude vmap)"
attach_two
has_warned || echo break-ftrace >/sys/module/labyrinth_beside/parameters/do
say "vmap now gives $(intrude vmap)"
await_death
say "what nobody else traces is refused: $(intrude dma_map_page)"
# Time to say it again.
sleep 5
say "asked: $(guard); vmap $(state_of vmap), mm_page_free $(state_of mm_page_free)"
say "said $(dmesg | grep -c 'guard: dead') times"
echo refuse >/sys/module/labyrinth/parameters/guard
echo c >/proc/sysrq-trigger
echo "still alive"
