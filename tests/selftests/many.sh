#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Many owners end together in a moment. Neither an owner that goes with a page out nor a page in
# limbo costs a walk over the whole table.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
TRACING=/sys/kernel/tracing
FEW=8			# waits for grace periods, which are the kernel's own but for one
OWNERS=4096
checked=""
# A kernel with checkers takes its time.
if grep -qE ' (kasan|kcsan)_' /proc/kallsyms; then
	OWNERS=2048 checked=1
fi
REPORTS='BUG: labyrinth: (leaked-destroy|left-behind-destroy) '

# In hundredths of a second.
now() { awk '{ print int($1 * 100) }' /proc/uptime; }
of_table() { sed -n "s/^$1: //p" $DEBUGFS/table; }

hits() { awk -v probe="$1" '$1 == probe { print $2 + $3 }' "$TRACING/kprobe_profile"; }

# go_with HOW: all owners go with the module. Sets expedited and ordinary: how often anybody waited
# for such a grace period meanwhile.
go_with() {
	insmod tests/selftests/labyrinth_many.ko owners="$OWNERS" end="$1" || return
	echo "p:lab_expedited synchronize_rcu_expedited" >"$TRACING/kprobe_events"
	echo "p:lab_ordinary synchronize_rcu" >>"$TRACING/kprobe_events"
	echo 1 >"$TRACING/events/kprobes/enable"
	before=$(now)
	rmmod labyrinth_many
	took=$(($(now) - before))
	expedited=$(hits lab_expedited) ordinary=$(hits lab_ordinary)
	echo 0 >"$TRACING/events/kprobes/enable"
	echo >"$TRACING/kprobe_events"
	echo "$OWNERS owners, $1: $expedited expedited grace periods, $ordinary ordinary," \
		"$took hundredths of a second" >>/tmp/ends
}

waits_once() { go_with "$1" && [ "$expedited" -ge 1 ] && [ $((expedited + ordinary)) -le "$FEW" ]; }
waits_expedited() { go_with each && [ "$expedited" -ge "$OWNERS" ] && [ "$ordinary" -le "$FEW" ]; }

# check_end NAME COMMAND...
check_end() {
	if [ -e "$TRACING/kprobe_events" ]; then
		ktap_check "$@"
	else
		ktap_skip "$1" "no probes here"
	fi
}

# The look at the table is a walk itself.
walks_since() { echo $(($(of_table walks) - $1 - 1)); }

wait_for_limbo() {
	tries=0
	until [ "$(of_table limbo)" -eq "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 60 ] || return
		sleep 0.1
	done
}

# The worker gives back what is over. The second owner of the probe has a reserve.
wait_for_cached() {
	tries=0
	until [ "$(cached)" -le "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 60 ] || { echo "$(cached) pages are cached"; return 1; }
		sleep 0.1
	done
}
# What dmesg says since $1 of the owners that went, each wording with a count.
went() { dmesg_since "$1" | sed -n 's/.*owner queue .* \(went.* referred to\)$/\1/p' | sort | uniq -c | sed 's/^ *//'; }

cached() { sed -n 's/^[0-9]* probe .* cached=\([0-9]*\).*/\1/p' $DEBUGFS/owners; }

# Interrupts to all CPUs but the first, by which a CPU is asked to run a function.
function_calls() {
	awk '/Function call interrupts/ {
		for (i = 3; $i ~ /^[0-9]+$/; i++)
			n += $i
		print n + 0
	}' /proc/interrupts
}

# Where 256 owners in a row have no page, the shrinker gives up for a while.
drop_all() {
	tries=0
	until [ "$(of_table used)" -eq 0 ]; do
		tries=$((tries + 1))
		[ "$tries" -le 60 ] || return
		taskset 1 sh -c "echo 2 >/proc/sys/vm/drop_caches"
		sleep 0.1
	done
}

# Every 16th owner has pages, in the cache of the first CPU. The shrinker runs there, too.
check_shrinker() {
	taskset 1 insmod tests/selftests/labyrinth_many.ko owners="$OWNERS"
	tags=$(of_table used)
	calls=$(function_calls)
	ktap_check "the shrinker takes the pages of all owners" drop_all
	calls=$(($(function_calls) - calls))
	if [ "$(nproc)" -eq 1 ]; then
		ktap_skip "and interrupts no CPU that has none" "there is one CPU only"
	elif [ -n "$checked" ]; then
		ktap_skip "and interrupts no CPU that has none" "checkers interrupt all the time"
	else
		ktap_check "and interrupts no CPU that has none" test "$calls" -lt $((OWNERS / 32))
	fi
	ktap_diag "$tags pages, asked $tries times, $calls calls to other CPUs"
	rmmod labyrinth_many
}

ktap_plan 24
insmod labyrinth.ko max_owners=$OWNERS
check_end "$OWNERS owners end by one call, which waits for a single grace period" waits_once bulk
expect_only "$REPORTS"
check_end "and so they do where a module leaves all behind" waits_once left
expect_end
name="and call by call, each grace period is an expedited one"
if uname -v | grep -q PREEMPT_RT; then
	ktap_skip "$name" "no grace period is expedited here"
else
	check_end "$name" waits_expedited
fi
[ ! -e /tmp/ends ] || ktap_diag </tmp/ends
ktap_equal "no page is left" 0 "$(of_table used)"
check_shrinker

expect_only "$REPORTS"
insmod tests/selftests/labyrinth_many.ko owners=64 held=1
walks=$(of_table walks)
rmmod labyrinth_many
ktap_equal "no table is walked for owners with a page out each" 0 "$(walks_since "$walks")"
ktap_equal "whose pages are given back" 0 "$(of_table used)"

insmod tests/selftests/labyrinth_many.ko owners=64 lent=1
mark=$(dmesg_mark)
rmmod labyrinth_many
ktap_equal "owners of a name that end together, four with a page lent, leave a page each" \
	"4 went with 1 pages out, of which 1 are still referred to" "$(went "$mark")"
ktap_check "those pages leave limbo" wait_for_limbo 0
ktap_lacks "and no owner is left" " queue " "$(cat $DEBUGFS/owners)"
echo 0 >/sys/module/labyrinth/parameters/patience
insmod tests/selftests/labyrinth_many.ko owners=16 lent=1
rmmod labyrinth_many
ktap_check "so does a page that was reported when its owner went" wait_for_limbo 0
ktap_lacks "likewise" " queue " "$(cat $DEBUGFS/owners)"
echo 60 >/sys/module/labyrinth/parameters/patience
expect_end

expect_only "$REPORTS|BUG: labyrinth: busy-free "
insmod tests/selftests/labyrinth_probe.ko
echo "hold 3" >$DO
echo lend >$DO
rmmod labyrinth_probe
expect_end
ktap_check "a page that is lent goes to limbo" wait_for_limbo 1
walks=$(of_table walks)
sleep 3
ktap_equal "for which no table is walked" 0 "$(walks_since "$walks")"
ktap_contains "an owner stays for the page" "^[0-9]+ probe .* limbo=1 .* destroyed$" \
	"$(cat $DEBUGFS/owners)"
pfn=$(awk '/ LIMBO / { print $1; exit }' $DEBUGFS/pages)
insmod tests/selftests/labyrinth_intruder.ko
ktap_equal "the borrower is done" "done" \
	"$("${0%/*}/user/intrude" put_page "$pfn" now 2>&1)"
ktap_check "so the page leaves limbo" wait_for_limbo 0
ktap_lacks "and the owner goes" " probe " "$(cat $DEBUGFS/owners)"
rmmod labyrinth_intruder

echo 64 >/sys/module/labyrinth/parameters/cached_max
insmod tests/selftests/labyrinth_probe.ko
echo "hold 900" >$DO
echo "drop 900" >$DO
ktap_check "an owner keeps no more ready than cached_max allows" wait_for_cached $((40 * $(nproc) + 32))
rmmod labyrinth_probe

echo 32 >/sys/module/labyrinth/parameters/ahead
insmod tests/selftests/labyrinth_probe.ko
ktap_check "with ahead, a new owner has pages ready" test "$(cached)" -ge 16
echo "hold 20" >$DO
sleep 1
ktap_check "and has again when they have gone" test "$(cached)" -ge 16
echo 2 >/proc/sys/vm/drop_caches
ktap_equal "until the shrinker wants them" 0 "$(cached)"
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
