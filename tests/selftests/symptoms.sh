#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The chapter "From symptom to name": each bug of labyrinth_symptoms is reported as symptoms.rst
# has the report, line by line. A marker ".. symptom: WORD [SOURCE]" stands there before the
# lines of each; SOURCE is where they are, if not in dmesg; "unordered", if two CPUs print them;
# "hunt", if rx0's pages are to have no reference to spare. With "intrude WAY" labyrinth_intruder
# does it, to a page that rx0 holds.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_symptoms/do
PARAMETERS=/sys/module/labyrinth/parameters
TRACING=/sys/kernel/tracing
TEXT=extra/symptoms.rst

symptoms() { sed -n 's/^\.\. symptom: //p' "$TEXT"; }

# The lines of the chapter after the marker $1.
lines_of() {
	awk -v marker=".. symptom: $1" '
		$0 == marker { on = 1; next }
		on && /^    / { found = 1; print substr($0, 5); next }
		on && found && /^[^ ]/ { exit }' "$TEXT"
}

# What is another thing each time, or on each kernel; there Labyrinth's static functions are
# inlined or not.
mask() {
	sed -E 's/^\[ *[0-9.]+\] //; s/^.* (alloc_failed: )/\1/
		s/0x[0-9a-f]+/X/g; s/\<[0-9a-f]{16}\>/P/g; s/[0-9]+\.[0-9]{3}/T/g; s/#[0-9]+/#/; s/stamp [0-9]+/stamp N/g
		s/[a-z0-9_.]+\+X\/X \[labyrinth\]/F+X\/X [labyrinth]/
		s/id [0-9]+/id N/; s/^[0-9]+ rx0/N rx0/; s/owner_id=[0-9]+/owner_id=N/; s/CPU [0-9]+/CPU N/'
}

# Prints the first of the chapter's lines (in $1) that does not come, in this order, in $2.
missing() {
	awk 'NR == FNR { want[++n] = $0; next }
		next_one < n && $0 == want[next_one + 1] { next_one++ }
		END { if (next_one < n) print want[next_one + 1] }' "$1" "$2"
}

# Likewise, of lines that come in any order.
absent() {
	while IFS= read -r line; do
		grep -qxF -- "$line" "$2" || { echo "$line"; return; }
	done <"$1"
}

hunt() { echo "$1" 2>/dev/null >$PARAMETERS/hunt; }

source_of() {
	case $1 in
	sites) cat $DEBUGFS/sites ;;
	trace) cat $TRACING/trace ;;
	esac
}

deed() { echo "$1" >$DO; }

held() { awk '$3 == "rx0" && $4 == "HELD" { print $1 }' "$DEBUGFS/pages"; }

# What it gives, guard.sh and hunt.sh test.
intrude() {
	deed hold || return
	"${0%/*}/user/intrude" "$1" "$(held)" "$(case $1 in put*) echo now ;; *) echo write ;; esac)"
	deed free
}

# What a hunted page's owner does next may be refused for a moment.
bring_about() {
	case $1 in
	*" hunt") deed "${1%% *}" || true ;;
	"intrude "*) intrude "$(echo "$1" | cut -d ' ' -f 2)" ;;
	*) deed "${1%% *}" ;;
	esac
}

check() {
	source=${1##* }
	case $1 in
	*" hunt" | intrude*)
		if ! grep -qs refuse $PARAMETERS/guard || ! hunt rx0; then
			ktap_skip "$1 comes about" "the guard refuses nothing here"
			ktap_skip "$1 is reported as the chapter has it" likewise
			return
		fi
		[ "$source" = hunt ] || hunt ""
		;;
	esac
	mark=$(dmesg_mark)
	trace_on
	echo >$TRACING/trace
	ktap_check "$1 comes about" bring_about "$1"
	hunt ""
	{ dmesg_since "$mark"; source_of "$source"; } >/tmp/said
	lines_of "$1" | mask >/tmp/wanted
	mask </tmp/said >/tmp/got
	if [ "$source" = unordered ]; then
		lost=$(absent /tmp/wanted /tmp/got)
	else
		lost=$(missing /tmp/wanted /tmp/got)
	fi
	[ -s /tmp/wanted ] || lost="the chapter has no lines"
	[ -z "$lost" ] || ktap_diag </tmp/said
	ktap_equal "$1 is reported as the chapter has it" "" "$lost"
	case $1 in
	stall | "xdp "*) deed "${1%% *}-end" ;;
	esac
}

# For good: late-unmap and leak leave a page that is mapped for DMA.
FOR_GOOD=2

symptoms >/tmp/symptoms
ktap_plan $((2 * $(wc -l </tmp/symptoms) + 2))
insmod labyrinth.ko history=8 poison=1 report_burst=1000 guard=refuse
insmod tests/selftests/labyrinth_symptoms.ko
insmod tests/selftests/labyrinth_intruder.ko
echo 1 >$TRACING/events/labyrinth/alloc_failed/enable
ktap_check "the chapter has them" test -s /tmp/symptoms
expect_begin
while IFS= read -r symptom; do
	check "$symptom"
done </tmp/symptoms
echo 0 >$TRACING/events/labyrinth/alloc_failed/enable
rmmod labyrinth_intruder
rmmod labyrinth_symptoms
expect_end
leave_pages $FOR_GOOD
ktap_check "the module unloads" rmmod labyrinth
ktap_end
