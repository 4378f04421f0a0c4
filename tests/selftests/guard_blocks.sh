#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Foreign code frees a block, one of whose pages is Labyrinth's, in every way there is,
# with guard=refuse. Nothing of the block is freed: the page is its owner's as before, its
# neighbour the foreigner's, and nobody is given either.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
PARAMETERS=/sys/module/labyrinth/parameters
TRACING=/sys/kernel/tracing
INTRUDE="${0%/*}/user/intrude"
BPF="${0%/*}/user/bpf"

# A way, which page of the block is Labyrinth's, its state, and which hook refuses it.
ways() {
	cat <<-'END'
		__free_pages		second	HELD	__free_pages
		__free_pages		first	HELD	__free_pages
		__free_pages		second	LENT	__free_pages
		__free_pages-raised	second	HELD	__free_pages
		__free_pages-raised	second	LENT	__free_pages
		free_pages		second	HELD	free_pages
		free_pages		first	HELD	free_pages
		dma_free_coherent	second	HELD	__free_pages
		free_contig_range	second	HELD	free_contig_range
	END
}

intrude() { "$INTRUDE" "$1" "$pfn" now 2>&1; }
block() { cat /sys/module/labyrinth_intruder/parameters/block; }
held() { grep "^$pfn " $DEBUGFS/pages | cut -d ' ' -f 1-4; }
refused() { sed -n "s/^$1 .* refused=\([0-9]*\).*/\1/p" $DEBUGFS/guard; }
state_of() { sed -n "s/^$1 *free *\([a-z]*\).*/\1/p" $DEBUGFS/guard; }
set_guard() { echo "$1" >$PARAMETERS/guard; }

# Where memory begins, which is not at 0 on each machine.
ram() { echo $((0x$(sed -n '/System RAM/{s/-.*//p;q}' /proc/iomem) / 4096)); }

# make_block WHICH STATE
make_block() {
	pfn=$(ram)
	intrude block-make >/dev/null
	pfn=$(block)
	[ "$1" = first ] || pfn=$((pfn + 1))
	echo "adopt $pfn" >$DO
	intrude paint >/dev/null
	[ "$2" = HELD ] || echo lend-adopted >$DO
}

# drop_block STATE: its owner and the foreigner give back what is theirs.
drop_block() {
	[ "$1" = HELD ] || echo reclaim-adopted >"$DO"
	echo free-adopted >"$DO"
	intrude block-drop >/dev/null
}

# try_way WAY WHICH STATE HOOK BESIDE: five results. On the stack are trampolines, of ftrace and BPF.
try_way() {
	make_block "$2" "$3"
	owner=$(held)
	before=$(refused "$4")
	mark=$(dmesg_mark)
	intrude "$1" >/dev/null
	ktap_equal "$1 of a block whose $2 page is $3 is refused$5" $((before + 1)) \
		"$(refused "$4")"
	ktap_contains "the report names who did it" \
		"BUG: labyrinth: foreign-free in do_[a-z_]*\+.*\[labyrinth_intruder\]$" "$(dmesg_since "$mark")"
	ktap_equal "the page is its owner's as before" "$owner painted" \
		"$(held) $([ "$(intrude look)" = "done" ] && echo painted)"
	ktap_equal "and nobody is given it" "done" "$(intrude grab)"
	ktap_check "its owner can free it" drop_block "$3"
}

try_ways() {
	while read -r way which state hook; do
		try_way "$way" "$which" "$state" "$hook" ""
	done </tmp/ways
}

try_one() { try_way __free_pages second HELD __free_pages "$1"; }

check_tracers() {
	for tracer in function function_graph; do
		echo "__free_pages free_pages" >$TRACING/set_ftrace_filter
		echo $tracer >$TRACING/current_tracer
		try_one ", beside the tracer $tracer"
		echo nop >$TRACING/current_tracer
	done
	echo >$TRACING/set_ftrace_filter
}

# A function has one direct call. A BPF program that has it gets it; the guard's callback
# stands beside it.
check_bpf() {
	for how in fentry fexit; do
		set_guard off
		rm -f /tmp/bpf
		"$BPF" $how __free_pages >/tmp/bpf &
		pid=$!
		until grep -q ready /tmp/bpf 2>/dev/null || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
		ktap_equal "a BPF $how program is attached" "__free_pages attached" \
			"$(head -n 1 /tmp/bpf)"
		set_guard refuse
		try_one ", behind a BPF $how program"
		kill $pid
		wait $pid 2>/dev/null
	done
	ktap_equal "and the guard's hook was armed" armed "$(state_of __free_pages)"
}

ways >/tmp/ways
ktap_load labyrinth.ko report_burst=1000
[ -e $PARAMETERS/guard ] || { rmmod labyrinth; ktap_skip_all "no guard on this kernel"; }
insmod tests/selftests/labyrinth_probe.ko
insmod tests/selftests/labyrinth_intruder.ko
expect_begin
begun=$(dmesg_mark)
set_guard refuse
bpf=13
[ -e /sys/kernel/btf/vmlinux ] || bpf=0
[ -e $TRACING/set_ftrace_filter ] && tracers=10 || tracers=0
ktap_plan $((5 * $(wc -l </tmp/ways) + tracers + bpf + 2))
try_ways
[ "$tracers" = 0 ] || check_tracers
[ $bpf = 0 ] || check_bpf
ktap_lacks "nothing bad is said of any page" "Bad page|Oops|MCE" "$(dmesg_since "$begun")"
rmmod labyrinth_intruder
rmmod labyrinth_probe
expect_end
ktap_check "the module unloads" rmmod labyrinth
ktap_end
