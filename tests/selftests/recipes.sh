#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The recipes of usage.rst, as they stand there, while pages come and go and a page is freed
# twice. Those of a tool that this machine does not have are skipped, and the others watch for a
# second, not five. scripts/recipes.sh has a machine with all of them.

. "${0%/*}/ktap.sh"

export PATH="$PATH:/usr/bin:/usr/sbin:/sbin"
DO=/sys/kernel/debug/labyrinth_probe/do
TEXT=$PWD/extra/usage.rst
REFUSAL='class=double op=free err=-ENOENT pfn=0x[0-9a-f]+ state=CACHED owner_id=[0-9]+ owner=probe'

command -v trace-cmd >/dev/null && span=5 || span=1

# The lines of the recipe $1.
recipe() {
	awk -v marker=".. recipe: $1" -v span="$span" '
		$0 == marker { on = 1; next }
		on && /^    / { found = 1; sub(/sleep 5/, "sleep " span); print substr($0, 5); next }
		on && found && /^[^ ]/ { exit }' "$TEXT"
}

deeds() {
	for word in "hold 5" lend put reclaim double-free "drop 4" stale-handle \
		transfer release vmap "dma-map 100"; do
		echo "$word" >"$DO"
	done
}

# Bugs until the recipe has ended: how long its tool takes to begin, nobody knows.
go_on() {
	while [ -e /tmp/cooking ]; do
		deeds 2>/dev/null
		sleep 0.3
	done
}

# What the recipe $1 has to say is in /tmp/said.
cook() {
	recipe "$1" >/tmp/recipe
	touch /tmp/cooking
	go_on &
	deed=$!
	(cd /tmp && timeout 120 sh -e /tmp/recipe) >/tmp/said 2>&1
	status=$?
	rm /tmp/cooking
	wait "$deed"
	[ -s /tmp/recipe ] && [ "$status" -eq 0 ]
}

# check RECIPE TOOL REGEX...: each is in what it says, and no event was not understood.
check() {
	name=$1 tool=$2
	shift 2
	if ! command -v "$tool" >/dev/null; then
		for pattern in ran "$@"; do
			ktap_skip "$name: $pattern" "there is no $tool here: see scripts/recipes.sh"
		done
		return
	fi
	ktap_check "$name: ran, and understood every event" understood "$name"
	for pattern; do
		ktap_check "$name: says $pattern" grep -qE "$pattern" /tmp/said
	done
	grep -m 2 -E -A 2 "$1" /tmp/said | ktap_diag
}

understood() { cook "$1" && ! grep -iE 'failed to parse|unknown type' /tmp/said; }

# The name of the function that the address $1 is in.
name_at() {
	{ cut -d ' ' -f 1,3 /proc/kallsyms; echo "$1 ~"; } | sort | grep -B 1 ' ~$' | sed -n '1s/.* //p' |
		cut -f 1
}

# An older perf takes a module's code to be as large as the whole module, and has no name for an
# address in the module behind.
leads_to() {
	grep -qE "$1\+0x[0-9a-f]+ \(.*labyrinth_probe" /tmp/said && return
	address=$(sed -n 's/^[[:space:]]*\([0-9a-f]*\) \[unknown\] (.*labyrinth\.ko)$/\1/p' /tmp/said | head -n 1)
	[ "$(name_at "$address")" = "$1" ]
}

check_chain() {
	name="perf: the call chain leads to do_write"
	if command -v perf >/dev/null; then
		ktap_check "$name" leads_to do_write
	else
		ktap_skip "$name" "there is no perf here: see scripts/recipes.sh"
	fi
}

# All events of Labyrinth's, whether they came or not.
check_formats() {
	if ! command -v trace-cmd >/dev/null; then
		ktap_skip "trace-cmd understands every event's format" "there is no trace-cmd here: see scripts/recipes.sh"
		return
	fi
	ktap_lacks "trace-cmd understands every event's format" labyrinth "$(trace-cmd check-events 2>&1)"
}

# perf reads the names of a module's functions from the file, where modprobe has it from.
install_modules() {
	dir=/lib/modules/$(uname -r)/updates
	mkdir -p "$dir"
	cp labyrinth.ko tests/selftests/labyrinth_probe.ko "$dir"
}

ktap_plan 22
install_modules
trace_on
insmod labyrinth.ko
insmod tests/selftests/labyrinth_probe.ko
expect_begin
check tracefs cat "refusal: $REFUSAL" "<stack trace>" "=> do_write"
check hist cat "owner: probe .*ip: \[[0-9a-f]+\] do_hold .*hitcount: +[1-9]"
check trace-cmd trace-cmd "refusal: +$REFUSAL" "page_lend: +pfn=0x[0-9a-f]+ .* caller=do_lend" \
	"owner_create: +owner_id=[0-9]+ owner=short-lived module=labyrinth_probe"
check perf perf "labyrinth:refusal: $REFUSAL"
check_chain
check perf-trace perf 'labyrinth:refusal\(.*class: "double".*error: "-ENOENT"'
check bpftrace bpftrace "double-free, -ENOENT: pfn 0x[0-9a-f]+ of probe, by labyrinth_probe" \
	"^ +do_write\+"
check bpftrace-out bpftrace "@out\[[0-9]+, probe, do_hold\]: 1"
check_formats
expect_end
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
