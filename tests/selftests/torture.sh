#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# labyrinth_torture: every call, right and wrong, from every context at once. Its
# parameters may be given; without any it is a short run.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
CPUS=/sys/devices/system/cpu
CPU1=$CPUS/cpu1/online
KCSAN=/sys/module/kcsan/parameters
LOCKDEP=/proc/lockdep_stats
DAMON=/sys/module/damon_stat/parameters/enabled
TORTURE=/sys/kernel/debug/labyrinth_torture
# The reports that attacks must give; what else the kernel says is a complaint.
REFUSALS='BUG: labyrinth: (foreign|wrong-thread|unowned|double|busy|bad-(address|handle|page|mapping)|wrong-device|not-posted|lost-reference|leaked)-'
# And those that a scribbler gives cause for.
SCRIBBLED='BUG: labyrinth: (overwritten|lost-reference)-'
# With lockdep, a page_pool of 7.3 warns once of a page that is put with interrupts off, which they
# are where all else stands still.
POOL_WARNS='WARNING: net/core/page_pool.c:[0-9]+ at page_pool_put_unrefed_netmem|Modules linked in:'
HUSHED=/sys/module/labyrinth_torture/parameters/hushed
SCRIBBLER=labyrinth_scribbler
STRAYER=labyrinth_strayer
WATCH=labyrinth_watch
CARELESS=labyrinth_careless
PARAMETERS=/sys/module/labyrinth/parameters
STARVE=/sys/kernel/debug/fail_page_alloc
REMAP="${0%/*}/user/remap"
PROCESSES=2

[ $# -gt 0 ] || set -- seed=1 ops=120000 guard=1

# scribble=1: somebody writes to struct page of all pages meanwhile; 2: and wrecks cached ones,
# so that they must be given up. Everything that has "scribbler." in front is a parameter of
# who writes. sealed=1: sealed owners are at work beside it, accesses stray to their pages, and
# all other owners' pages go through quarantine. "strayer." as "scribbler.".
#
# guard=1: the guard refuses, where the kernel has one.
#
# beside=1: what concerns all owners changes meanwhile: see beside_begin().
scribble=0 scribbler='' sealed=0 strayer='' guard=0 beside=0 parameters=''
for parameter; do
	case $parameter in
	scribble=[012]) scribble=${parameter#*=} ;;
	scribbler.*) scribbler="$scribbler ${parameter#*.}" ;;
	sealed=[01]) sealed=${parameter#*=} ;;
	strayer.*) strayer="$strayer ${parameter#*.}" ;;
	guard=[01]) guard=${parameter#*=} ;;
	beside=[01]) beside=${parameter#*=} ;;
	seed=*)
		parameters="$parameters $parameter"
		scribbler="$parameter$scribbler" strayer="$parameter$strayer"
		;;
	*) parameters="$parameters $parameter" ;;
	esac
done
# More of what is rare: pages that are mapped, or in limbo.
[ "$scribble" -eq 0 ] || parameters="mix=vmap=40,life=80,mortal=20$parameters scribbled=$scribble"
[ "$scribble" -lt 2 ] ||
	scribbler="wrecks=10 $scribbler" SCRIBBLED="$SCRIBBLED|BUG: labyrinth: corrupt-"
[ ! -e "$LOCKDEP" ] || SCRIBBLED="$SCRIBBLED|$POOL_WARNS"
[ "$scribble" -eq 0 ] || REFUSALS="$REFUSALS|$SCRIBBLED"
# Caches are emptied, and pages are refused to Labyrinth.
[ "$beside" -eq 0 ] || parameters="shrunk=1 hungry=1$parameters"
# shellcheck disable=SC2086 # words without blanks
set -- $parameters

state() { cat "$TORTURE/state"; }

# kmemleak and DAMON read any struct page now and then, and follow PageTail on their way.
scribble_begin() {
	[ "$scribble" -gt 0 ] || return 0
	[ ! -e /sys/kernel/debug/kmemleak ] || echo scan=off >/sys/kernel/debug/kmemleak
	[ ! -e "$DAMON" ] || echo N >"$DAMON"
	# shellcheck disable=SC2086 # words without blanks
	insmod tests/torture/$SCRIBBLER.ko $scribbler
}

scribble_end() {
	! module_loaded $SCRIBBLER || rmmod $SCRIBBLER
	[ ! -e $HUSHED ] || echo 1 >$HUSHED
}

# guard_is NUMBER: how the torture's own parameter "guard" says it, where the kernel has one.
guard_is() {
	guarded=0
	[ ! -e "$PARAMETERS/guard" ] || guarded=$1
}

guard_begin() {
	guard_is "$guard"
	[ "$guarded" -eq 0 ] || set_to guard refuse
}

load_torture() { insmod tests/torture/labyrinth_torture.ko guard="$guarded" "$@"; }

run_to_end() {
	load_torture "$@" || return
	while [ "$(state)" = running ] || [ "$(state)" = resting ]; do
		[ "$(state)" = running ] || scribble_end
		sleep 0.2
	done
	scribble_end
	[ "$(state)" = ok ]
}

stray_begin() {
	[ "$sealed" -gt 0 ] || return 0
	# shellcheck disable=SC2086 # words without blanks
	insmod tests/torture/$STRAYER.ko $strayer
}

# Reports are made when the worker has sealed the page again.
stray_end() {
	[ "$sealed" -gt 0 ] || return 0
	rmmod "$STRAYER" && sleep 1
}

run_scribbled() { scribble_begin && stray_begin && run_to_end "$@" && stray_end; }

# The device is there from the beginning of a run to the module's end.
await_run() {
	while [ ! -e /dev/labyrinth_torture ]; do
		sleep 0.1
	done
}

# Processes map pages as long as the run lasts, and no longer.
remap_begin() {
	await_run
	"$REMAP" "$PROCESSES" 1
}

run_with_processes() {
	remap_begin >/tmp/remap &
	remap=$!
	run_scribbled "$@"
	ran=$?
	[ -e /dev/labyrinth_torture ] || kill "$remap"
	wait "$remap"
	remapped=$?
	return "$ran"
}

# set_to PARAMETER VALUE: where the kernel can.
set_to() { ! echo "$2" >"$PARAMETERS/$1"; } 2>/dev/null

# Without the kernel's fault injection there is always memory. Only allocations that cannot wait
# fail: all of Labyrinth's but those at an owner's beginning.
starve() {
	[ -e $STARVE ] || return 0
	echo -1 >$STARVE/times
	echo 0 >$STARVE/verbose
	echo 0 >$STARVE/min-order
	echo Y >$STARVE/ignore-gfp-wait
	echo "$1" >$STARVE/probability
}

# Hooks come and go with the module that is watched.
watch_begin() {
	[ -e watch/$WATCH.ko ] || return 0
	insmod watch/$WATCH.ko
	insmod tests/selftests/$CARELESS.ko
}

watch_set() { ! module_loaded $WATCH || echo "$1" >/sys/module/$WATCH/parameters/watch; }

watch_end() {
	! module_loaded $WATCH || { rmmod $CARELESS; rmmod $WATCH; }
}

# Each time another mode of the guard; to arm all hooks takes seconds in an emulator. All three are
# sound while the attackers play, since none of them does what the guard would refuse but
# tort_foreign_vmap() of attacks.c, and that changes nothing where it is let through: the model says
# only that a refusal may be counted.
rounds() {
	await_run
	while :; do
		for mode in refuse report refuse report off; do
			set_to guard $mode
			echo "$mode since $(cut -d ' ' -f 1 /proc/uptime) s"
			set_to quarantine $((256 - $(cat $PARAMETERS/quarantine)))
			watch_set $CARELESS
			starve 5
			echo 2 >/proc/sys/vm/drop_caches
			[ ! -e "$CPU1" ] || echo 0 >"$CPU1"
			sleep 0.1
			[ ! -e "$CPU1" ] || echo 1 >"$CPU1"
			starve 0
			watch_set ''
		done
	done
}

beside_begin() {
	[ "$beside" -gt 0 ] || return 0
	watch_begin
	guard_is 2
	rounds >/tmp/rounds &
	rounds=$!
}

beside_end() {
	[ "$beside" -gt 0 ] || return 0
	kill "$rounds"
	wait "$rounds"
	starve 0
	watch_end
	set_to guard off
	guard_is 0
	set_to quarantine $((sealed * 256))
	[ ! -e "$CPU1" ] || echo 1 >"$CPU1"
	ktap_diag </tmp/rounds
}

# What a run with a scribbler has come to, now and then, for who waits.
progress_begin() {
	[ $((scribble + sealed)) -gt 0 ] || return 0
	while sleep 20; do
		cat /sys/kernel/debug/$SCRIBBLER/summary /sys/kernel/debug/$STRAYER/summary |
			sed 's/^/# scribbled: /'
		sed 's/^/# scribbled: torture has done /' $TORTURE/steps
	done 2>/dev/null &
	progress=$!
}

progress_end() { [ $((scribble + sealed)) -eq 0 ] || kill "$progress"; }

set_cpus() {
	for cpu in "$CPUS"/cpu[1-9]*/online; do
		[ ! -e "$cpu" ] || echo "$1" >"$cpu" || return
	done
}

# What one thread does by itself. Which page it gets, and so as what an attack on the
# last one is refused, is the page allocator's choice.
do_alone() {
	run_to_end seed=4 ops=20000 nthreads=1 contexts= || return
	end_run && grep -E '^torture: (op|context)' /tmp/said
}

check_seed() {
	set_cpus 0
	if [ "$(cat "$CPUS/online")" = 0 ]; then
		do_alone >/tmp/alone
		ktap_equal "a seed gives the same run again" "$(cat /tmp/alone)" "$(do_alone)"
		ktap_contains "which is one of as many steps" "task: steps 20000 " "$(cat /tmp/alone)"
	else
		ktap_skip "a seed gives the same run again" "no CPU can be taken away"
		ktap_skip "which is one of as many steps" "no CPU can be taken away"
	fi
	set_cpus 1
}

# What the strayer was refused, and one report for each access that was diverted and recorded.
strays_expected() {
	dmesg | sed -n 's/.*labyrinth_strayer: refused: foreign \([0-9]*\)$/foreign: \1/p'
	awk -F ': ' '/^diverted/ { n += $2 } /^not recorded/ { n -= $2 } END { print "foreign: " n }' \
		"$DEBUGFS/sealed"
}

# Accesses stray from the strayer alone: of each place the last report is kept.
strays_named() {
	sed -n 's/.*BUG: labyrinth: foreign-\(read\|write\) in \([a-z_]*\).*/\2/p' "$DEBUGFS/reports" |
		sort -u >/tmp/strays
	[ "$(tr '\n' ' ' </tmp/strays)" = "stray_read stray_write " ]
}

check_sealed() {
	ktap_contains "sealed pages are their owners', and no stray access reaches one" \
		"labyrinth_strayer: ok," "$(dmesg)"
	ktap_check "and the reports name who strayed, and nobody else" strays_named
	# Quarantine counts as a sealed owner, so spare pages are kept.
	ktap_equal "the pages of sealed owners go with the owners" \
		"$(sed -n 's/^spare: //p' "$DEBUGFS/sealed")" "$(sed -n 's/^pages: //p' "$DEBUGFS/sealed")"
	dmesg | sed -n 's/.*labyrinth_strayer: /strayer: /p' | ktap_diag
	ktap_diag <"$DEBUGFS/sealed"
}

# What the guard finds of the scribbler's: nobody else frees or unpins a page by the core's calls.
frees_expected() {
	sed -n 's/^[a-z_]* *free .* found=\([0-9]*\) .*/foreign: \1/p' "$DEBUGFS/guard"
}

# What the model expected, line by line; where it could not know, a little more. Of a
# class that it does not have there may be none.
refusals_agree() {
	cat "$TORTURE/expected" >/tmp/expected
	[ "$sealed" -eq 0 ] || strays_expected >>/tmp/expected
	[ ! -e "$DEBUGFS/guard" ] || frees_expected >>/tmp/expected
	awk 'NR == FNR { least[$1] += $2; most[$1] += $2 + $3; next }
		$2 < least[$1] + 0 || $2 > most[$1] + 0 {
			print $1 " " $2 ", expected " least[$1] + 0 " to " most[$1] + 0
			bad = 1
		}
		END { exit bad || NR == FNR }' /tmp/expected "$DEBUGFS/refusals"
}

# Pages in limbo are looked at once a second.
all_back() {
	for _ in 1 2 3 4 5 6; do
		grep -E '^(used|limbo): ' "$DEBUGFS/table"
		[ "$(grep -cE '^(used|limbo): 0$' "$DEBUGFS/table")" -ne 2 ] || return 0
		sleep 1
	done
	return 1
}

# The last run's own words, without those before.
said() {
	dmesg | sed -n 's/.*labyrinth_torture: /torture: /p; s/.*labyrinth_scribbler: /torture: scribbler /p' | awk '
		/^torture: begin/ { n = 0 }
		{ line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }'
}

# Of a context: how often an interrupt came in the middle of a call.
landed() { sed -n "s/^torture: context $1: .*in-a-call //p" /tmp/said | tail -n 1; }

# chosen PARAMETER...: whether the contexts are.
chosen() {
	case "$*" in
	*contexts=*) ;;
	*) return 1 ;;
	esac
}

# check_landed PARAMETER...: on PREEMPT_RT, softirqs are threads. NMIs are not to be had
# everywhere.
check_landed() {
	for context in softirq hardirq irq_work nmi; do
		if [ $context = softirq ] && uname -v | grep -q PREEMPT_RT; then
			ktap_skip "softirq came in the middle of calls" "it is a thread here"
		elif grep -q "^torture: context $context: " /tmp/said; then
			ktap_check "$context came in the middle of calls" test "$(landed $context)" -gt 0
		elif [ $context = nmi ] || chosen "$@"; then
			ktap_skip "$context came in the middle of calls" "there is none"
		else
			ktap_fail "$context came in the middle of calls"
		fi
	done
}

# Ends a run, and fails if that was not all well.
end_run() {
	rmmod labyrinth_torture || return
	said >/tmp/said
	tail -n 1 /tmp/said
	grep -q "^torture: ok 1 " /tmp/said
}

# stop_after SECONDS: of a run without an end.
stop_after() {
	load_torture seed=2 ops=0 || return
	sleep "$1"
	end_run
}

stop_midway() { stop_after 0 && stop_after 0.1 && stop_after 1; }

want_back() {
	while :; do
		echo 2 >/proc/sys/vm/drop_caches
	done
}

cpu_goes_and_comes() {
	for _ in 1 2 3 4 5 6 7 8; do
		sleep 0.2
		[ -e "$CPU1" ] || continue
		echo 0 >"$CPU1" || return
		sleep 0.1
		echo 1 >"$CPU1" || return
	done
}

# While a run lasts, all is wanted that is cached, and a CPU goes and comes back.
come_and_go() {
	scribble_begin || return
	load_torture "$@" ops=0 shrunk=1 || return
	want_back &
	cpu_goes_and_comes
	gone=$?
	kill $!
	! module_loaded "$SCRIBBLER" || rmmod "$SCRIBBLER"
	end_run && [ "$gone" -eq 0 ]
}

# KCSAN stops at every so many accesses to see whether somebody else comes. While a
# CPU of a virtual machine waits the other has the processor, so it need not be for
# long, and can be often.
watch_closely() {
	[ -e "$KCSAN" ] || return 0
	echo 50 >$KCSAN/skip_watch
	echo 2 >$KCSAN/udelay_task
	echo 2 >$KCSAN/udelay_interrupt
}

# Whether all states have been met, as the words of who wrote tell.
wrote_in() {
	sed -n "s/^torture: scribbler $1: \([0-9]*\) deeds stopped, \([0-9]*\) anytime/\1 \2/p" /tmp/said |
		awk '{ n += $1 + $2 } END { exit n == 0 }'
}

# Each page that is given up is told of, and no other.
given_up() {
	wrecked=$(sed -n 's/^torture: scribbler wrecked: \([0-9]*\) pages/\1/p' /tmp/said)
	corrupt=$(sed -n 's/^corrupt: //p' "$DEBUGFS/refusals")
	echo "$corrupt of $wrecked pages wrecked were given up"
	[ "$corrupt" -gt 0 ] && [ "$corrupt" -le "$wrecked" ]
}

check_scribbled() {
	for met in CACHED HELD LENT LIMBO MAPPED; do
		ktap_check "struct page of $met pages was written to" wrote_in $met
	done
	[ "$scribble" -lt 2 ] ||
		ktap_check "pages that nothing tells any more were given up" given_up
}

ktap_plan $((15 + (scribble > 0 ? 5 : 0) + (scribble > 1) + (sealed > 0 ? 3 : 0)))
echo 4 >/proc/sys/vm/drop_caches # it need not tell the log
watch_closely
# So few owners that each slot is soon used again, but enough for all. So few pages in the caches that
# many go by the depot, and some are kept ahead.
insmod labyrinth.ko report_burst=2 cached_max=128 ahead=16 \
	max_owners=$((64 * $(grep -c ^processor /proc/cpuinfo))) quarantine=$((sealed * 256))
expect_only "$REFUSALS"
progress_begin
guard_begin
beside_begin
ktap_check "each call gives what it must, each page is its owner's" run_with_processes "$@"
beside_end
progress_end
ktap_check "a process has the pages that it maps, and no others" [ "$remapped" -eq 0 ]
ktap_diag </tmp/remap
said >/tmp/said
sed -n '/^torture: \(begin\|violation\|  page\|op\|context\|total\|scribbler\)/p' /tmp/said | ktap_diag
[ "$scribble" -eq 0 ] || check_scribbled
[ "$sealed" -eq 0 ] || check_sealed
ktap_check "refusals are counted by class as they were made" refusals_agree
ktap_check "no page is tagged any more" all_back
check_landed "$@"
ktap_check "the module unloads" rmmod labyrinth_torture
ktap_check "and can be unloaded at any moment" stop_midway
ktap_check "so it is while caches and a CPU come and go" come_and_go "$@" seed=3
sed -n '/^torture: total/p' /tmp/said | ktap_diag
ktap_check "and no page is left behind" all_back
check_seed
expect_end
ktap_check "Labyrinth unloads" rmmod labyrinth
ktap_end
