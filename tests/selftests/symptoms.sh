#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The chapter "From symptom to name": each bug of labyrinth_symptoms is reported as symptoms.rst
# has the report, line by line. A marker ".. symptom: WORD [SOURCE]" stands there before the
# lines of each; SOURCE is where they are, if not in dmesg, or "unordered", if two CPUs print them.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_symptoms/do
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

# What is another thing each time, or on each kernel.
mask() {
	sed -E 's/^\[ *[0-9.]+\] //; s/^.* (alloc_failed: )/\1/
		s/0x[0-9a-f]+/X/g; s/\<[0-9a-f]{16}\>/P/g; s/[0-9]+\.[0-9]{3}/T/g; s/#[0-9]+/#/
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

source_of() {
	case $1 in
	sites) cat $DEBUGFS/sites ;;
	trace) cat $TRACING/trace ;;
	esac
}

check() {
	word=$1 source=${2:-}
	mark=$(dmesg_mark)
	echo >$TRACING/trace
	ktap_check "$word comes about" sh -c "echo $word >$DO"
	{ dmesg_since "$mark"; source_of "$source"; } >/tmp/said
	lines_of "$word${source:+ $source}" | mask >/tmp/wanted
	mask </tmp/said >/tmp/got
	if [ "$source" = unordered ]; then
		lost=$(absent /tmp/wanted /tmp/got)
	else
		lost=$(missing /tmp/wanted /tmp/got)
	fi
	[ -s /tmp/wanted ] || lost="the chapter has no lines"
	[ -z "$lost" ] || ktap_diag </tmp/said
	ktap_equal "$word is reported as the chapter has it" "" "$lost"
	case $word in
	stall | xdp) echo "$word-end" >$DO ;;
	esac
}

# For good: late-unmap and leak leave a page that is mapped for DMA.
FOR_GOOD=2

symptoms >/tmp/symptoms
ktap_plan $((2 * $(wc -l </tmp/symptoms) + 2))
insmod labyrinth.ko history=8 poison=1 report_burst=1000
insmod tests/selftests/labyrinth_symptoms.ko
echo 1 >$TRACING/events/labyrinth/alloc_failed/enable
ktap_equal "the chapter has all of the module's bugs" "" "$(grep -c . /tmp/symptoms | grep -v '^2[0-9]$')"
expect_begin
while read -r word source; do
	# shellcheck disable=SC2086 # there may be none
	check $word $source
done </tmp/symptoms
echo 0 >$TRACING/events/labyrinth/alloc_failed/enable
rmmod labyrinth_symptoms
expect_end
leave_pages $FOR_GOOD
ktap_check "the module unloads" rmmod labyrinth
ktap_end
