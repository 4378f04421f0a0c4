#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The command labyrinth (tools/labyrinth): what it says of a machine without Labyrinth, of
# one with an owner and a refusal, and of who holds a page.

. "${0%/*}/ktap.sh"

DO=$(deeds_of labyrinth_probe)
LEAKY=/sys/module/labyrinth_leaky/parameters

tool() { sh tools/labyrinth "$@" 2>&1; }

[ ! -e watch/labyrinth_watch.ko ] || watch=1
ktap_plan $((12 + ${watch:-0} * 3))
ktap_refuse "without the module it fails" tool
ktap_contains "and says what to do" "labyrinth is not loaded: modprobe labyrinth" "$(tool)"
insmod labyrinth.ko
insmod tests/selftests/labyrinth_probe.ko
echo "hold 3" >"$DO"
expect_begin
echo foreign-free 2>/dev/null >"$DO"
expect_end
said=$(tool)
ktap_contains "it names the version" "^labyrinth [0-9]+\.[0-9]+\.[0-9]+, kernel " "$said"
ktap_contains "it counts owners" "^owners: [1-9]" "$said"
ktap_contains "and their pages" "^pages: held [34], cached " "$said"
ktap_contains "and refusals" "^  foreign: 1$" "$said"
ktap_lacks "but none that was not" "unowned" "$said"
ktap_contains "it has the parameters" "^  guard_classes=|^  on_refusal=report" "$said"
ktap_contains "it shows a file" "^[0-9]+ probe module=labyrinth_probe " "$(tool owners)"
ktap_contains "it says which files there are" "no file 'nosuch', only: .*owners" "$(tool nosuch)"
ktap_refuse "it refuses what it does not know" tool --nosuch
if [ -n "${watch:-}" ]; then
	ktap_contains "without labyrinth_watch nobody is asked" "labyrinth_watch is not loaded" "$(tool who pfn 1)"
	insmod watch/labyrinth_watch.ko
	insmod tests/selftests/labyrinth_leaky.ko
	ktap_contains "it asks who holds a page" "a pointer in a module's data, .*\[labyrinth_leaky\]" \
		"$(tool who pfn "$(cat $LEAKY/pfn_static)")"
	ktap_refuse "a wrong question is an error" tool who pfn nosuch
	rmmod labyrinth_leaky
	rmmod labyrinth_watch
fi
echo "drop 3" >"$DO"
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
