#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A table: word of struct page x state of the page x kind of owner: whatever was written
# to the word, each call does what it would have done. One result a row. An argument
# chooses rows: "lru.next CACHED" those of that word and state; none: all of them. With
# dry=1 in front nothing is written, and all but the reports must be as they are to be.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
PARAMETERS=/sys/module/labyrinth_overwritten/parameters
CLASS=overwritten
REPORTS='BUG: labyrinth: (overwritten|foreign|unowned|double|busy|bad-(address|handle|page|mapping)|leaked|lost-reference)-'

choose() { grep -E -- "^$*" "$PARAMETERS"/rows; }

# A word written is to be found in debugfs beside the right state, and nothing worse.
read_held() {
	echo "$1" >"$PARAMETERS"/hold || return
	for file in owners pages table; do
		cat "$DEBUGFS/$file" >"/tmp/$file" || return
	done
	lines=$(grep -c ' overwritten ' /tmp/pages)
	echo drop >"$PARAMETERS"/drop || return
	[ "$lines" -gt 0 ] || [ "${1#*LIMBO}" != "$1" ]
}

# All in one, so that a row is one result.
play() {
	mark=$(dmesg_mark)
	echo "$1" >"$PARAMETERS"/row && read_held "$1" && return
	dmesg_since "$mark" | grep 'labyrinth_overwritten: ' | head -n 12
	return 1
}

count_of() { sed -n "s/^$1: //p" "$DEBUGFS"/refusals; }

# all_back LEFT: but for those that a device may write to, for all that is known.
all_back() {
	for _ in 1 2 3 4 5 6; do
		grep -E '^(used|limbo): ' "$DEBUGFS"/table
		[ "$(grep -cE "^(used|limbo): $1\$" "$DEBUGFS"/table)" -ne 2 ] || return 0
		sleep 1
	done
	return 1
}

# kmemleak reads all of struct page now and then, and follows PageTail on its way.
dry=dry=0
[ "${1:-}" != dry=1 ] || { dry=$1; shift; }
[ ! -e /sys/kernel/debug/kmemleak ] || echo scan=off >/sys/kernel/debug/kmemleak
insmod labyrinth.ko report_burst=2
insmod tests/selftests/labyrinth_overwritten.ko "$dry"
choose "$@" >/tmp/rows
ktap_plan $(($(wc -l </tmp/rows) + 5))
expect_only "$REPORTS"
while read -r row; do
	ktap_check "$row: each call as if nothing had been written" play "$row"
done </tmp/rows
count=$(count_of $CLASS)
ktap_diag "$CLASS: ${count:-there is no such class}"
# Of the index nobody asks what it is.
if grep -qv '^index ' /tmp/rows; then
	ktap_check "what was overwritten was reported" test "${count:-0}" -gt 0
else
	ktap_equal "an index is not reported" 0 "$count"
fi
ktap_equal "no page is taken for corrupt" 0 "$(count_of corrupt)"
left=$(cat "$PARAMETERS"/left)
ktap_check "the module unloads" rmmod labyrinth_overwritten
leave_pages "$left"
ktap_check "no page is tagged any more but $left that a device may have" all_back "$left"
ktap_check "Labyrinth unloads" rmmod labyrinth
expect_end
ktap_end
