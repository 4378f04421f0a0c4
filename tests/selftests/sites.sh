#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Call sites in code that goes: a module's init text, and a module. What is shown later
# has the name of then, and says that the code has gone.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
TRACING=/sys/kernel/tracing

pages_of() { grep " $1 " $DEBUGFS/pages; }

# check_stack WHAT PATTERN TEXT
check_stack() {
	if uname -v | grep -q PREEMPT_RT; then
		ktap_skip "$1" "on PREEMPT_RT the stack depot gets no memory here"
	else
		ktap_contains "$@"
	fi
}

ktap_plan 9
insmod labyrinth.ko history=4 stacks=1
insmod tests/selftests/labyrinth_probe.ko
insmod tests/selftests/labyrinth_early.ko
ktap_contains "a site in init text keeps its name" \
	" HELD .* early_fill\+0x[0-9a-f]+/0x[0-9a-f]+ \[labyrinth_early, init\]$" \
	"$(pages_of early)"
ktap_contains "another of the same module has its own" \
	" LENT .* early_take\+0x[0-9a-f]+/0x[0-9a-f]+ \[labyrinth_early\]$" \
	"$(pages_of early)"
expect_begin
mark=$(dmesg_mark)
pfn=$(pages_of early | sed -n 's/ .* HELD .*//p')
echo "free-pfn $((pfn))" 2>/dev/null >$DO
check_stack "the stack of an allocation has the names, too" \
	"  early_fill\+.* \[labyrinth_early, init\]$" "$(dmesg_since "$mark")"
trace_on
echo 1 >$TRACING/events/labyrinth/refusal/enable
mark=$(dmesg_mark)
rmmod labyrinth_early
expect_end
echo 0 >$TRACING/events/labyrinth/refusal/enable
ktap_contains "the report at the module's end names its init text" \
	"HELD for .*, allocated at early_fill\+.* \[labyrinth_early, init\]" "$(dmesg_since "$mark")"
ktap_contains "and the first line says where the owner was made" \
	"BUG: labyrinth: left-behind-destroy in early_init\+.* \[labyrinth_early, init\]$" \
	"$(dmesg_since "$mark")"
ktap_contains "so does the record in the trace" \
	"refusal: class=left-behind .* ip=early_init\+.* \[labyrinth_early, init\]$" \
	"$(cat $TRACING/trace)"
echo "hold 1" >$DO
ktap_contains "a page in limbo names the module that has gone" \
	" LIMBO .* early_take\+0x[0-9a-f]+/0x[0-9a-f]+ \[labyrinth_early, gone\]$" \
	"$(pages_of early)"
ktap_contains "a site in a module that is there is as it was" \
	" HELD .* do_hold\+0x[0-9a-f]+/0x[0-9a-f]+ \[labyrinth_probe\]$" "$(pages_of probe)"
rmmod labyrinth_probe
leave_pages 1
ktap_check "the module unloads" rmmod labyrinth
ktap_end
