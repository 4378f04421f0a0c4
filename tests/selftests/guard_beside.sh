#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The guard beside others who hook the same functions, attached before it and after: BPF
# programs, tracers, kprobes. A refused call returns what it must. And beside foreign code
# that counts on being taken for Labyrinth, that drops references which it never took, and
# that has given a page away.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
PARAMETERS=/sys/module/labyrinth/parameters
BESIDE=/sys/module/labyrinth_beside/parameters/do
TRACING=/sys/kernel/tracing
INTRUDE="${0%/*}/user/intrude"
BPF="${0%/*}/user/bpf"

[ -e "${0%/*}/labyrinth_beside.ko" ] || ktap_skip_all "no guard or no kprobes in this kernel"

# Hooked by a callback of ftrace's, and on x86-64 by a direct call, of which a function has one.
CALLED_BACK="vmap vm_insert_page remap_pfn_range vmf_insert_pfn finish_fault dma_map_sg_attrs"
CALLED="dma_map_page_attrs"
FUNCTIONS="$CALLED_BACK $CALLED"
[ "$(uname -m)" = x86_64 ] || CALLED_BACK=$FUNCTIONS CALLED=''

# One way for each kind of return value and more, how to use what it gives, and what a
# refusal returns.
ways() {
	cat <<-'END'
		vmap			now	ENOMEM
		vm_insert_page		write	EPERM
		remap_pfn_range		write	EPERM
		vmf_insert_pfn		write	SIGBUS
		fault			read	SIGBUS
		dma_map_page		now	EIO
		dma_map_sg-range	now	EIO
	END
}

intrude() { "$INTRUDE" "$1" "$pfn" "$2" 2>&1; }
held() { grep "^$pfn " $DEBUGFS/pages | cut -d ' ' -f 1-4; }
set_guard() { echo "$1" >$PARAMETERS/guard; }
beside() { echo "$@" >$BESIDE; }
state_of() { sed -n "s/^$1 *[a-z]* *\([a-z]*\) .*/\1/p" $DEBUGFS/guard; }
found_by() { sed -n "s/^$1 .* found=\([0-9]*\).*/\1/p" $DEBUGFS/guard; }
refused_by() { sed -n "s/^$1 .* refused=\([0-9]*\).*/\1/p" $DEBUGFS/guard; }

# try_ways WHOM: a result for each.
try_ways() {
	while read -r way how wanted; do
		ktap_equal "$1: $way ($how) gives $wanted" "$wanted $owner" \
			"$(intrude "$way" "$how") $(held)"
	done </tmp/ways
}

# bpf_on HOW FUNCTION...: in the background.
bpf_on() {
	rm -f /tmp/bpf
	how=$1
	"$BPF" "$@" >/tmp/bpf &
	bpf=$!
	until grep -q ready /tmp/bpf 2>/dev/null || ! kill -0 $bpf 2>/dev/null; do sleep 0.1; done
	shift
	ktap_equal "$how: all programs are attached" $# "$(grep -c " attached" /tmp/bpf)"
}

bpf_off() {
	kill "$bpf"
	wait "$bpf" 2>/dev/null
}

check_taken() {
	name="$1: a function that the guard has called directly is taken"
	[ -n "$CALLED" ] || { ktap_skip "$name" "no direct calls on this architecture"; return; }
	"$BPF" "$1" $CALLED >/tmp/bpf &
	sleep 1
	# Newer kernels say EINVAL.
	ktap_contains "$name" "^$CALLED (EBUSY|EINVAL)" "$(cat /tmp/bpf)"
	kill $!
}

check_bpf() {
	for kind in fentry fexit; do
		# shellcheck disable=SC2086
		bpf_on $kind $CALLED_BACK
		try_ways "$kind after the guard"
		bpf_off
		check_taken $kind
		set_guard off
		# shellcheck disable=SC2086
		bpf_on $kind $CALLED_BACK $CALLED
		set_guard refuse
		try_ways "$kind before the guard"
		bpf_off
		set_guard off
		set_guard refuse
	done
}

trace_on() {
	# shellcheck disable=SC2086
	echo $FUNCTIONS >$TRACING/set_ftrace_filter
	echo function_graph >$TRACING/current_tracer
	for hooked in $FUNCTIONS; do
		echo "p:lab_$hooked $hooked"
		echo "r:lab_ret_$hooked $hooked"
	done >$TRACING/kprobe_events
	echo 1 >$TRACING/events/kprobes/enable
}

trace_off() {
	echo 0 >$TRACING/events/kprobes/enable
	echo >$TRACING/kprobe_events
	echo nop >$TRACING/current_tracer
	echo >$TRACING/set_ftrace_filter
}

check_all_at_once() {
	# shellcheck disable=SC2086
	[ $bpfs = 0 ] || bpf_on fexit $CALLED_BACK
	trace_on
	try_ways "beside all of them"
	set_guard off
	set_guard refuse
	try_ways "behind all of them"
	ktap_check "Labyrinth's own vmap passes behind all of them" sh -c "echo vmap >$DO"
	ktap_check "and its mapping for DMA" sh -c "echo dma-map >$DO"
	ktap_equal "the guard is alive beside all of them" "guard: refuse" \
		"$(head -n 1 $DEBUGFS/guard)"
	trace_off
	[ $bpfs = 0 ] || bpf_off
}

check_tail_call() {
	echo "hold 1" >$DO
	before=$(refused_by dma_map_page_attrs)
	ktap_check "a probe on labyrinth:page_free" beside tail-on "$pfn"
	mark=$(dmesg_mark)
	echo "drop 1" >$DO
	log=$(dmesg_since "$mark")
	beside tail-off
	ktap_equal "a jump out of a probe is not taken for Labyrinth's call" \
		"$((before + 1)) $owner" "$(refused_by dma_map_page_attrs) $(held)"
	ktap_contains "but blamed on the probe" \
		"BUG: labyrinth: foreign-dma in tail_call\+.*\[labyrinth_beside\]$" "$log"
	ktap_contains "and the report says where it returns to" \
		"through: a probe's jump: the call returns to .*\[labyrinth\]$" "$log"
}

check_kprobe() {
	set_guard off
	ktap_check "a kprobe with a post_handler has vmap" beside kprobe-on
	mark=$(dmesg_mark)
	set_guard refuse
	if [ "$(uname -m)" = x86_64 ]; then
		ktap_contains "the guard says what it cannot hook, and why that may be" \
			"vmap cannot be hooked: -EBUSY.*kprobe" "$(dmesg_since "$mark")"
		ktap_equal "and shows it" failed "$(state_of vmap)"
	else
		ktap_equal "kprobes do not use ftrace here: the guard has vmap beside it" armed \
			"$(state_of vmap)"
		ktap_equal "and refuses" ENOMEM "$(intrude vmap now)"
	fi
	beside kprobe-off
	set_guard refuse
	ktap_equal "it is hooked when guard= is written again" "armed ENOMEM" \
		"$(state_of vmap) $(intrude vmap now)"
	beside kprobe-on 2>/dev/null || ktap_diag "such a kprobe cannot come then"
	ktap_equal "such a kprobe cannot undo it" "armed ENOMEM" \
		"$(state_of vmap) $(intrude vmap now)"
	beside kprobe-off
}

check_fault_without_reference() {
	mark=$(dmesg_mark)
	for _ in $(seq 70); do intrude fault-no-get read; done | sort -u >/tmp/outcomes
	log=$(dmesg_since "$mark")
	ktap_equal "a driver that takes no reference gets SIGBUS for each fault" SIGBUS \
		"$(cat /tmp/outcomes)"
	ktap_equal "and its faults do not use up the page's" "$owner" "$(held)"
	ktap_contains "which are reported as lost" \
		"BUG: labyrinth: lost-reference-fault in intruder_fault" "$log"
	ktap_lacks "and nobody is killed for broken memory" "MCE|Bad page" "$log"
	ktap_check "its owner can free it" sh -c "echo 'drop 1' >$DO"
}

# Nothing is refused, so the page has a second owner, who does no wrong.
check_gone() {
	echo "hold 1" >$DO
	pfn=$(grep HELD $DEBUGFS/pages | head -n 1 | cut -d ' ' -f 1)
	set_guard report
	before=$(found_by mm_page_free)
	mark=$(dmesg_mark)
	intrude put_page-away now >/dev/null
	for _ in $(seq 10); do intrude grab now; done | sort -u >/tmp/outcomes
	log=$(dmesg_since "$mark")
	if grep -q EEXIST /tmp/outcomes; then
		ktap_pass "report: a page that has gone is given to others"
	else
		ktap_skip "report: a page that has gone is given to others" \
			"the allocator has given others"
	fi
	ktap_equal "and reported once" "$((before + 1)) 1" \
		"$(found_by mm_page_free) $(echo "$log" | grep -c "labyrinth: foreign-free")"
	ktap_lacks "and nothing bad is said of it" "Bad page|Oops" "$log"
	set_guard off
}

ways >/tmp/ways
insmod labyrinth.ko report_burst=1000
insmod tests/selftests/labyrinth_probe.ko
insmod tests/selftests/labyrinth_intruder.ko
insmod tests/selftests/labyrinth_beside.ko
echo "hold 1" >$DO
owner=$(grep HELD $DEBUGFS/pages | head -n 1 | cut -d ' ' -f 1-4)
pfn=${owner%% *}
expect_begin
set_guard refuse
bpfs=35
[ -e /sys/kernel/btf/vmlinux ] || bpfs=0
traced=17
[ -e $TRACING/kprobe_events ] || traced=0
ktap_plan $((bpfs + traced + 4 + 5 + 5 + 3 + 1))
if [ $bpfs = 0 ]; then ktap_diag "no BTF in this kernel"; else check_bpf; fi
[ $traced = 0 ] || check_all_at_once
check_tail_call
check_kprobe
check_fault_without_reference
check_gone
rmmod labyrinth_beside
rmmod labyrinth_intruder
rmmod labyrinth_probe
expect_end
ktap_check "the module unloads" rmmod labyrinth
ktap_end
