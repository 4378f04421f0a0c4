#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A driver that nobody changed is watched: its pages are known by allocation site, its double
# free is refused, and what it leaves behind is reported. And beside the guard, which hooks
# some of the same functions: each comes and goes while the other one stays.

. "${0%/*}/ktap.sh"

MODULE=watch/labyrinth_watch.ko
CARELESS_KO=tests/selftests/labyrinth_careless.ko
PAGES=/sys/kernel/debug/labyrinth_watch/pages
WATCH=/sys/module/labyrinth_watch/parameters
CARELESS=/sys/module/labyrinth_careless/parameters
GUARD=/sys/kernel/debug/labyrinth/guard
PROBE=/sys/kernel/debug/labyrinth_probe/do
INTRUDE="${0%/*}/user/intrude"
BPF="${0%/*}/user/bpf"
FORGOTTEN=2
TRACING=/sys/kernel/tracing

careless() { for word; do echo "$word" >$CARELESS/do; done; }
watch() { echo "$1" >$WATCH/watch; }

# not_watched NAME LIST WHY: a list that is refused in one line, which says why.
not_watched() {
	mark=$(dmesg_mark)
	ktap_refuse "$1" watch "$2"
	ktap_contains "$1: the log says why" "labyrinth_watch: watch=.*: $3$" \
		"$(dmesg_since "$mark")"
}

# seen WHEN: the double free is refused, with both ends.
seen() {
	mark=$(dmesg_mark)
	careless again
	ktap_equal "$1: a double free is refused" 0 "$(cat $CARELESS/refs)"
	log=$(dmesg_since "$mark")
	ktap_contains "$1: and reported" \
		"BUG: labyrinth: double-free in careless_complete.* \[labyrinth_careless\]" "$log"
}

# guarded WHEN: a block with a page of Labyrinth's in it is not freed.
guarded() {
	before=$(refused)
	"$INTRUDE" block-make 1 now >/dev/null
	page=$(($(cat /sys/module/labyrinth_intruder/parameters/block) + 1))
	echo "adopt $page" >$PROBE
	"$INTRUDE" __free_pages $page now >/dev/null
	ktap_equal "$1: the guard refuses the free of a block" $((before + 1)) "$(refused)"
	echo free-adopted >$PROBE
	"$INTRUDE" block-drop $page now >/dev/null
}

# reported WHEN: a block that a watched module frees is looked at once.
reported() {
	before=$(found)
	"$INTRUDE" block-make 1 now >/dev/null
	page=$(($(cat /sys/module/labyrinth_intruder/parameters/block) + 1))
	echo "adopt $page" >$PROBE
	echo report >/sys/module/labyrinth/parameters/guard
	"$INTRUDE" __free_pages $page now >/dev/null
	ktap_equal "$1: the guard reports the free of a block once" $((before + 1)) "$(found)"
	echo refuse >/sys/module/labyrinth/parameters/guard
}

found() { sed -n "s/^__free_pages .* found=\([0-9]*\).*/\1/p" $GUARD; }
refused() { sed -n "s/^__free_pages .* refused=\([0-9]*\).*/\1/p" $GUARD; }
by_direct_call() { ! sed -n 's/^\(__free_pages\|free_pages\) .*/&/p' "$GUARD" | grep -v ' armed '; }

labyrinth_on() {
	insmod labyrinth.ko guard=refuse
	insmod tests/selftests/labyrinth_probe.ko
	insmod tests/selftests/labyrinth_intruder.ko
}

labyrinth_off() {
	rmmod labyrinth_intruder
	rmmod labyrinth_probe
	rmmod labyrinth
}

# told WORD PATTERN...: a result for each pattern.
told() {
	mark=$(dmesg_mark)
	careless "$1"
	log=$(dmesg_since "$mark")
	word=$1
	shift
	for pattern; do
		ktap_contains "$word: $pattern" "$pattern" "$log"
	done
}

# unmap_frees NAME: the page of "keep".
unmap_frees() {
	event=$TRACING/events/kmem/mm_page_free
	echo "pfn == $(cat $CARELESS/pfn)" >$event/filter
	echo >$TRACING/trace
	echo 1 >$event/enable
	careless unmap
	sleep 0.5
	echo 0 >$event/enable
	echo 0 >$event/filter
	ktap_contains "$1" "mm_page_free: .* order=0" "$(cat $TRACING/trace)"
}

for_dma() {
	told mapped "BUG: labyrinth: mapped-free in careless_complete" "refused: __free_pages" \
		"mapped:  for DMA, 4096 bytes, at careless_map"
	ktap_equal "a page that is mapped for DMA is not freed" 1 "$(cat $CARELESS/refs)"
	careless keep
	unmap_frees "and is freed when it is unmapped"
	told both "BUG: labyrinth: mapped-free in careless_complete" \
		"mapped:  for DMA, 2048 bytes, at careless_map"
	ktap_lacks "the end of one mapping is not the end of another" "unmap-" "$log"
	told size "BUG: labyrinth: unmap-other-size in careless_unmap" \
		"mapped:  for DMA, 4096 bytes, at careless_map"
	told twice "BUG: labyrinth: unmap-twice in careless_unmap" \
		"mapped:  for DMA, 4096 bytes, at careless_map"
}

# A kretprobe hides that the driver ends its mapping, so other code does, which may have meant a
# mapping of its own.
unmapped_by_others() {
	echo "r:lab_ret_unmap dma_unmap_page_attrs" >$TRACING/kprobe_events
	careless take map
	echo 1 >$TRACING/events/kprobes/enable
	careless unmap
	echo 0 >$TRACING/events/kprobes/enable
	echo >$TRACING/kprobe_events
	mark=$(dmesg_mark)
	careless unmap
	ktap_lacks "what others have unmapped, the driver does not unmap twice" "unmap-twice" \
		"$(dmesg_since "$mark")"
	careless give
}

# Bugs of a driver that has its pages from a page_pool.
of_a_pool() {
	careless pool
	ktap_contains "a page_pool's pages, by the call that took them" \
		"^labyrinth_careless: 1 pages, .* allocated at careless_receive" "$(cat $PAGES)"
	careless put
	told put-again "BUG: labyrinth: double-put in careless_recycle" \
		"refused: page_pool_put_page" "before:  given back .* at careless_recycle"
	ktap_equal "the pool does not give the page out twice" N "$(cat $CARELESS/same)"
	told put_page "BUG: labyrinth: pool-page-freed in careless_put_page" \
		"site:    allocated at careless_receive"
	mark=$(dmesg_mark)
	careless pool share no-pool
	sleep 2
	ktap_lacks "a pool with a second user is not at its end" "pool-leak" \
		"$(dmesg_since "$mark")"
	careless no-pool
	wait_told "$mark"
	ktap_contains "what a pool has out at its end is reported" \
		"BUG: labyrinth: pool-leak in careless_receive" "$(dmesg_since "$mark")"
	# Or the pool would stay, for the tests that follow as well.
	careless late
}

# pools NUMBER: so many followed pools are said to be there, soon.
pools() {
	for _ in $(seq 100); do
		[ "$(grep -c "^page_pool of" "$PAGES")" = "$1" ] && return
		sleep 0.2
	done
	grep -c "^page_pool of" "$PAGES"
	return 1
}

# More than there are places for.
many_pools() {
	ktap_check "the places of destroyed pools are free again" pools 0
	told pools "labyrinth_watch: page_pool of .* is not followed: 255 others are"
	ktap_check "and those of 255 pools" pools 0
}

# wait_told MARK: for the end of a report of a leak.
wait_told() {
	for _ in $(seq 100); do
		dmesg_since "$1" | grep -q 'references [0-9]*, found [0-9]*; ' && break
		sleep 0.1
	done
}

from_the_start() {
	ktap_check "a module that is not loaded can be watched" watch labyrinth-careless
	insmod $CARELESS_KO
	careless take take take give take release
	ktap_contains "its pages, by allocation site" \
		"^labyrinth_careless: 2 pages, the oldest for [0-9]+ ms, allocated at careless_refill" \
		"$(cat $PAGES)"
	ktap_lacks "no hook is missing" "missing" "$(cat $PAGES)"
	ktap_contains "frees are seen by hooks" "^hook on __free_pages_ok: armed" "$(cat $PAGES)"
	ktap_refuse "and ftrace cannot be switched off" sysctl -q -w kernel.ftrace_enabled=0
	seen "watched from the start"
	ktap_contains "who gave the page back before" \
		"before:  given back [0-9]+ ms ago, at careless_complete" "$log"
	ktap_contains "who allocated it" "site:    allocated at careless_refill" "$log"
	for_dma
	unmapped_by_others
	echo 1 >$WATCH/grace
	of_a_pool
	many_pools
	behind_tracers
	mark=$(dmesg_mark)
	rmmod labyrinth_careless
	leave_pages $FORGOTTEN
	wait_told "$mark"
	log=$(dmesg_since "$mark")
	ktap_contains "what it leaves behind is reported" \
		"BUG: labyrinth: leak in careless_refill.* \[labyrinth_careless, gone\]" "$log"
	ktap_contains "with how many" "noticed: $FORGOTTEN pages of module labyrinth_careless" "$log"
	ktap_contains "and who has them: nobody" "references $FORGOTTEN, found 0; " "$log"
}

after_the_fact() {
	ktap_check "nothing is watched any more" watch ""
	ktap_contains "which the file says" "^no module is watched" "$(cat $PAGES)"
	insmod $CARELESS_KO
	careless take
	ktap_check "a module that is loaded can be watched" watch labyrinth_careless
	careless take give give
	seen "watched after the fact"
	# Of 250 ticks a second, 2^32 and 454.
	echo 17179871 >$WATCH/grace
	mark=$(dmesg_mark)
	rmmod labyrinth_careless
	sleep 3
	ktap_lacks "a grace of half a year is not over yet" "has gone" "$(dmesg_since "$mark")"
	echo 1 >$WATCH/grace
	insmod $CARELESS_KO
	mark=$(dmesg_mark)
	rmmod labyrinth_careless
	sleep 2
	ktap_contains "what it took while watched is back" \
		"labyrinth_careless has gone, and has left no page behind" "$(dmesg_since "$mark")"
}

# A page is kept, since the page is mapped for DMA; then the driver is watched no more, but another.
no_longer_watched() {
	watch labyrinth_careless,labyrinth_probe
	insmod $CARELESS_KO
	careless keep
	watch labyrinth_probe
	unmap_frees "a kept page is freed when unmapped, with its driver no longer watched"
	rmmod labyrinth_careless
	watch labyrinth_careless
}

# BPF programs have the direct calls of two functions: one that a refusal needs, and one by which
# pages are freed.
beside_bpf() {
	unmap=$(sed -n 's/^hook on \(dma_unmap_[a-z_]*\): .*/\1/p' $PAGES)
	# The one for whose sake the others may be hooked without it, where that can be hooked.
	freer=$(sed -n 's/^hook on \(free_pages_prepare\): armed/\1/p' $PAGES)
	watch ""
	insmod $CARELESS_KO
	"$BPF" fentry "$unmap" "${freer:-__free_pages_ok}" >/tmp/bpf &
	bpf=$!
	until grep -q ready /tmp/bpf 2>/dev/null || ! kill -0 $bpf 2>/dev/null; do sleep 0.1; done
	ktap_diag </tmp/bpf
	mark=$(dmesg_mark)
	ktap_check "a BPF program has a function" watch labyrinth_careless
	ktap_contains "the log says which" \
		"$unmap cannot be hooked: -E(BUSY|INVAL); what goes that way is not seen" \
		"$(dmesg_since "$mark")"
	ktap_contains "and so does the file" "^hook on $unmap: missing, -E(BUSY|INVAL)" \
		"$(cat $PAGES)"
	ktap_contains "frees are seen by the tracepoint instead" \
		"^frees are seen by the tracepoint kmem:mm_page_free" "$(cat $PAGES)"
	careless take take give
	ktap_contains "and they are seen" "^labyrinth_careless: 1 pages" "$(cat $PAGES)"
	careless give
	careless mapped
	ktap_equal "then no page is taken for mapped" 0 "$(cat $CARELESS/refs)"
	kill $bpf
	wait $bpf 2>/dev/null
	watch ""
	watch labyrinth_careless
	ktap_lacks "without the program, no hook is missing" "missing" "$(cat $PAGES)"
	rmmod labyrinth_careless
}

# ftrace switched off makes no call, and says nothing of it. Newer kernels do not switch it off.
without_ftrace() {
	name="with ftrace off, frees are seen by the tracepoint"
	watch ""
	if sysctl -q -w kernel.ftrace_enabled=0 2>/dev/null; then
		watch labyrinth_careless
		ktap_contains "$name" "^frees are seen by the tracepoint kmem:mm_page_free" \
			"$(cat $PAGES)"
		watch ""
		sysctl -q -w kernel.ftrace_enabled=1
	else
		ktap_skip "$name" "the kernel does not switch ftrace off"
	fi
	watch labyrinth_careless
	ktap_contains "and with ftrace on, by hooks" "^hook on __free_pages_ok: armed" "$(cat $PAGES)"
}

# hits FUNCTION: how often its return has been traced, or was missed.
hits() { awk -v event="lab_ret_$1" '$1 == event { print $2 + $3 }' $TRACING/kprobe_profile; }

# A tracer hides who calls, from the stubs as well. A wrapper's own call comes to no wrapper, nor to
# a tracer.
behind_tracers() {
	# Of a pool that is followed, each call goes to a wrapper, whatever the caller.
	careless pool put
	functions=$(sed -n 's/^hook on \(.*\): armed/\1/p' $PAGES)
	put=$(echo "$functions" | grep page_pool_put)
	# shellcheck disable=SC2086
	echo $functions >$TRACING/set_ftrace_filter
	for hooked in $functions; do
		echo "r:lab_ret_$hooked $hooked"
	done >$TRACING/kprobe_events
	# shellcheck disable=SC2086
	for tracer in "kretprobes 1 nop" "function_graph 0 function_graph" "both 1 function_graph"; do
		set -- $tracer
		echo "$2" >$TRACING/events/kprobes/enable
		echo "$3" >$TRACING/current_tracer
		before=$(hits "$put")
		mark=$(dmesg_mark)
		ktap_check "behind $1: pages come and go" careless take give pool put mapped size
		ktap_lacks "behind $1: nothing is refused" "BUG: labyrinth" "$(dmesg_since "$mark")"
		[ "$2" = 0 ] || ktap_equal "behind $1: a put is traced once" \
			$((before + 1)) "$(hits "$put")"
	done
	echo nop >$TRACING/current_tracer
	echo 0 >$TRACING/events/kprobes/enable
	echo >$TRACING/kprobe_events
	echo >$TRACING/set_ftrace_filter
	careless no-pool
	seen "without tracers again"
}

beside_the_guard() {
	insmod $CARELESS_KO
	labyrinth_on
	ktap_check "both hook a function: the guard comes second" by_direct_call
	guarded "the guard came second"
	seen "the guard came second"
	labyrinth_off
	seen "the guard has gone"
	watch ""
	labyrinth_on
	ktap_check "both hook a function: the watcher comes second" watch labyrinth_careless
	ktap_lacks "and no hook is missing" "missing" "$(cat $PAGES)"
	guarded "the watcher came second"
	seen "the watcher came second"
	watch labyrinth_careless,labyrinth_intruder
	reported "the watcher came second"
	watch labyrinth_careless
	# It waits for calls that may be in a stub, and the file is there all the while.
	rmmod labyrinth_watch &
	sleep 0.2
	ktap_refuse "while the watcher goes, no module is watched any more" watch labyrinth_probe
	wait $!
	guarded "the watcher has gone"
	labyrinth_off
	rmmod labyrinth_careless
}

[ -e $MODULE ] || ktap_skip_all "it was not built for this kernel"
ktap_load $MODULE
[ -e $PAGES ] || ktap_skip_all "ftrace cannot call directly in this kernel"
[ -e $CARELESS_KO ] || ktap_skip_all "the driver was not built for this kernel"
bpfs=7
[ -e /sys/kernel/btf/vmlinux ] || bpfs=0
ktap_plan $((81 + bpfs))
# Newer kernels find a page_pool's page that is freed bad as well.
expect_only "BUG: (labyrinth: |Bad page state)|Modules linked in:"
ktap_contains "nothing is watched unasked" "^no module is watched" "$(cat $PAGES)"
not_watched "more modules than there are places are not watched" "$(seq -s , 1 16)" \
	"more than 15 names"
ktap_contains "not even some of them" "^no module is watched" "$(cat $PAGES)"
not_watched "the module does not watch itself" labyrinth-watch "this module does not follow itself"
not_watched "a name that no module can have is refused" "$(seq -s 0 1 150)" "no module has so long a name"
not_watched "a space behind a comma is refused" "e1000e, virtio_net" "a name has a space in it"
from_the_start
after_the_fact
no_longer_watched
[ $bpfs = 0 ] || beside_bpf
without_ftrace
watch labyrinth_careless
beside_the_guard
expect_end
ktap_end
