#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The two samples: pages in hard interrupts on every CPU and in softirqs, every
# foreign attempt refused, nothing left at the end.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
FOREIGN="free transfer lend reclaim release adopt"

cpus=$(grep -c ^processor /proc/cpuinfo)
ktap_plan $((2 * cpus + 21))

insmod labyrinth.ko
mark=$(dmesg_mark)
expect_begin
insmod samples/labyrinth_sample.ko interrupts=500
ktap_check "the foreign module loads" insmod samples/labyrinth_foreign.ko
sleep 1
owners=$(cat $DEBUGFS/owners)
refusals=$(cat $DEBUGFS/refusals)
rmmod labyrinth_foreign
expect_end
rmmod labyrinth_sample
messages=$(dmesg_since "$mark")

cpu=0
while [ "$cpu" -lt "$cpus" ]; do
	ktap_contains "CPU $cpu has a page for each of its hard interrupts" \
		"CPU $cpu: 500 pages in hard interrupts" "$messages"
	ktap_contains "CPU $cpu has pages in softirqs" \
		"CPU $cpu: .* [1-9][0-9]* in softirqs" "$messages"
	cpu=$((cpu + 1))
done
for what in $FOREIGN; do
	ktap_contains "a foreign $what is -EPERM" \
		"labyrinth_foreign: $what: -EPERM" "$messages"
	ktap_contains "a foreign $what is reported" \
		"BUG: labyrinth: foreign-$what in foreign_init.*\[labyrinth_foreign\]" \
		"$messages"
done
ktap_contains "a free without a handle is -EINVAL" \
	"labyrinth_foreign: free without a handle: -EINVAL" "$messages"
ktap_contains "whose page it is, anybody may ask" \
	"query: pfn 0x[0-9a-f]+ is sample-rx's, of module labyrinth_sample, .* at take_coveted" \
	"$messages"
ktap_contains "six refusals of a foreigner are counted" "^foreign: 6$" "$refusals"
ktap_contains "debugfs names the owner and its reserve" \
	"^[0-9]+ sample-rx module=labyrinth_sample .*reserve=[0-9]+/8" "$owners"
ktap_contains "the page is as its owner left it, and its free succeeds" \
	"the coveted page is untouched, its owner's free gives 0" "$messages"
ktap_contains "no page is out at the end" "0 pages were still out" "$messages"
ktap_equal "no tag is left" "used: 0" "$(grep ^used: $DEBUGFS/table)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
