#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A full table: it takes what it says, refuses the next page, says so once, and
# forgets none that it has.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
CAPACITY=1000

used() { sed -n 's/^used: //p' $DEBUGFS/table; }
failed() { sed -n 's/.* probe .* fail_table=\([0-9]*\) .*/\1/p' $DEBUGFS/owners; }
held() { grep -c " probe HELD " $DEBUGFS/pages; }

ktap_plan 10
insmod labyrinth.ko capacity=$CAPACITY
insmod tests/selftests/labyrinth_probe.ko
mark=$(dmesg_mark)
ktap_refuse "a full table refuses a page" sh -c "echo hold 2000 >$DO"
full=$(used)
ktap_diag "$full tags in a table of capacity $CAPACITY"
ktap_check "it took nine tenths of its capacity before" test "$full" -ge $((CAPACITY * 9 / 10))
ktap_equal "the refusal is counted" 1 "$(failed)"
ktap_refuse "and refuses again" sh -c "echo hold 2000 >$DO"
ktap_equal "which is counted again" 2 "$(failed)"
ktap_equal "dmesg says so once" 1 \
	"$(dmesg_since "$mark" | grep -c "labyrinth: the owner table is full")"
many=$(held)
ktap_check "every page that was handed out is still tagged" test "$many" -ge \
	$((CAPACITY * 9 / 10 - 100))
ktap_check "and can be freed, each that was" sh -c "echo drop 100000 >$DO"
ktap_check "then there is room again" sh -c "echo hold 500 >$DO"
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
