#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# An owner that asks for a node: its pages are of that node while there are any,
# and what it keeps ready is of that node always.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
NODE=1

[ -d /sys/devices/system/node/node$NODE ] || ktap_skip_all "there is one node only"

# The first frame of the node, and the first behind it.
first=$(awk '$1 == "Node" { on = ($2 == "'$NODE',") }
	on && $1 == "start_pfn:" && $2 > 0 { print $2; exit }' /proc/zoneinfo)
last=$(awk '$1 == "Node" { on = ($2 == "'$NODE',") }
	on && $1 == "spanned" { span = $2 }
	on && $1 == "start_pfn:" && $2 > 0 { end = $2 + span }
	END { print end }' /proc/zoneinfo)

# elsewhere STATE: how many of the probe's pages in that state are of another node.
elsewhere() {
	count=0
	while read -r pfn _ name state _; do
		[ "$name $state" = "probe $1" ] || continue
		if [ $((pfn)) -lt "$first" ] || [ $((pfn)) -ge "$last" ]; then
			count=$((count + 1))
		fi
	done <$DEBUGFS/pages
	echo "$count"
}

free_of_node() { awk '/MemFree/ { print int($4 / 4) }' /sys/devices/system/node/node$NODE/meminfo; }

ktap_diag "node $NODE has frames $first to $last"
ktap_plan 8
more=$(($(free_of_node) + 2000))
insmod labyrinth.ko capacity=$((more + 20000))
insmod tests/selftests/labyrinth_probe.ko nid=$NODE
ktap_check "pages are handed out" sh -c "echo hold 500 >$DO"
ktap_equal "all of them of the node" 0 "$(elsewhere HELD)"
echo "drop 500" >$DO
ktap_equal "what is kept ready is of the node too" 0 "$(elsewhere CACHED)"
ktap_diag "taking $more pages, more than the node has"
ktap_check "when the node has none left, others are handed out" sh -c "echo hold $more >$DO"
ktap_check "some of which are of another node" test "$(elsewhere HELD)" -gt 0
echo "drop $more" >$DO
ktap_contains "which are given back at once when they come back" "^limbo: 0$" \
	"$(cat $DEBUGFS/table)"
ktap_equal "and not kept" 0 "$(elsewhere CACHED)"
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
