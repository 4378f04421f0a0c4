#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# When memory is out, when it is wanted back, when a CPU goes away, when memory is to
# go, and when the machine is to hibernate.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
MEMORY=/sys/devices/system/memory
CPU1=/sys/devices/system/cpu/cpu1/online

# of OWNER FIELD: what debugfs says of it.
of() { sed -n "s/^[0-9]* $1 .* $2=\([0-9]*\).*/\1/p" $DEBUGFS/owners; }

reserve_held() {
	sed -n 's/.* frugal .* reserve=\([0-9]*\)\/256.*/\1/p' "$DEBUGFS/owners"
}

used() { sed -n 's/^used: //p' $DEBUGFS/table; }

# On PREEMPT_RT, where a hard interrupt may not take the memory, a thread does.
where="a hard interrupt"
if uname -v | grep -q PREEMPT_RT; then
	where="a thread"
fi

# Nobody asks for a page meanwhile: it fills by itself.
wait_for_reserve() {
	tries=0
	until [ "$(reserve_held)" -ge 256 ]; do
		tries=$((tries + 1))
		[ "$tries" -le 60 ] || { echo "it holds $(reserve_held) pages"; return 1; }
		sleep 1
	done
}

check_exhaustion() {
	mark=$(dmesg_mark)
	ktap_check "memory is out: $where gets all of the reserve, then nothing" \
		sh -c "echo exhaust >$DO"
	said=$(dmesg_since "$mark")
	printf '%s\n' "$said" | grep exhausted: | ktap_diag
	ktap_contains "that was 256 pages of 256" \
		"then 256 of 256 from the reserve in $where" "$said"
	ktap_contains "the reason for nothing is counted" \
		"frugal .* fail_(memory|context)=1 " "$(cat $DEBUGFS/owners)"
	ktap_lacks "the page allocator does not fill dmesg" "page allocation failure" "$said"
	ktap_check "the reserve is filled again" wait_for_reserve
	ktap_check "and there are pages as ever" sh -c "echo recover 1000 >$DO"
}

# The hammer leaves its pages in the caches of all CPUs.
fill_caches() {
	echo hammer >$DO
	sleep 0.3
	echo rest >$DO
	echo "hold 100" >$DO
	echo "drop 100" >$DO
}

check_shrinker() {
	fill_caches
	before=$(used)
	echo 2 >/proc/sys/vm/drop_caches
	ktap_diag "$before tags before, $(used) after"
	ktap_equal "under pressure, what is cached goes back" 0 "$(of probe cached)"
	ktap_check "but the reserve does not" test "$(of other cached)" -ge 64
	ktap_equal "and nothing is lost" "$(used)" \
		$(($(of probe cached) + $(of other cached)))
}

check_hotplug() {
	if [ ! -e $CPU1 ]; then
		ktap_skip "a dead CPU's cache goes back" "there is no CPU to take away"
		ktap_skip "a CPU that comes back works" "there is no CPU to take away"
		return
	fi
	fill_caches
	before=$(of other cached)
	echo 0 >$CPU1
	sleep 1
	ktap_diag "$before pages cached before, $(of other cached) after"
	ktap_check "a dead CPU's cache goes back" test "$(of other cached)" -lt "$before"
	echo 1 >$CPU1
	echo hammer >$DO
	sleep 0.3
	ktap_check "a CPU that comes back works" sh -c "echo rest >$DO"
}

# set_block BLOCK STATE
set_block() { sh -c "echo $2 >$1/state" 2>/dev/null; }

# A block of memory that nothing of the kernel's own is in: it went offline, and comes
# back for what can be moved only.
movable_block() {
	for block in "$MEMORY"/memory*; do
		if set_block "$block" offline; then
			set_block "$block" online_movable && echo "$block"
			return
		fi
	done
}

check_offline() {
	if [ -z "$block" ]; then
		for what in "no memory with an owned page goes offline" "and dmesg says why" \
			"it does when the page is released"; do
			ktap_skip "$what" "none ever does here"
		done
		return
	fi
	echo adopt-movable >$DO
	mark=$(dmesg_mark)
	ktap_refuse "no memory with an owned page goes offline" set_block "$block" offline
	ktap_contains "and dmesg says why" \
		"labyrinth: memory from pfn 0x[0-9a-f]+ on stays online: pages in it are owned" \
		"$(dmesg_since "$mark")"
	echo release-movable >$DO
	ktap_check "it does when the page is released" set_block "$block" offline
	set_block "$block" online
}

# The page goes to the page allocator, which puts it away for good.
check_failed_memory() {
	if ! grep -q HardwareCorrupted /proc/meminfo; then
		ktap_skip "memory that has failed is not handed out" "none ever does here"
		return
	fi
	ktap_check "memory that has failed is not handed out" sh -c "echo broken-cached >$DO"
}

check_hibernation() {
	if ! grep -q disk /sys/power/state 2>/dev/null; then
		ktap_skip "the machine does not hibernate" "it never does"
		ktap_skip "and dmesg says why not" "it never does"
		return
	fi
	mark=$(dmesg_mark)
	ktap_refuse "the machine does not hibernate" sh -c "echo disk >/sys/power/state"
	ktap_contains "and dmesg says why not" \
		"labyrinth: no hibernation: it would lose the contents of [0-9]+ pages" \
		"$(dmesg_since "$mark")"
}

ktap_plan 18
# Before there is anything of ours that could keep it.
block=$(movable_block)
insmod labyrinth.ko capacity=120000
insmod tests/selftests/labyrinth_probe.ko
check_offline
check_exhaustion
check_shrinker
check_hotplug
check_failed_memory
check_hibernation
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
