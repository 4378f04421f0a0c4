#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# holders is asked in a loop about the pages of the sample driver, and read by another task all the
# while, under TCP both ways. Each answer must be whole, and each byte must arrive. Meant for the
# kernels with checkers, which say what they find themselves.

. "${0%/*}/../ktap.sh"
. "${0%/*}/wire.sh"

# The kernels with checkers take a minute for what others do in a second.
ROUNDS=20
[ ! -e /proc/lockdep ] && [ ! -e /sys/kernel/debug/kcsan ] || ROUNDS=4
BYTES=4000000
WATCH=/sys/kernel/debug/labyrinth_watch

# All that can be asked about the pages of a source, a line each.
questions() {
	if [ "$1" = pool ]; then
		sed -n 's/^pool \([0-9]*\): .*, driver labyrinth_nic, .*/pool \1/p' $WATCH/pools
	else
		awk '$3 ~ /^nic-rx/ { print "owner " $3 }' $DEBUGFS/pages | sort -u
	fi
}

busy() { answer=$(cat $WATCH/holders) && [ "${answer#busy}" != "$answer" ]; }

# ask QUESTION: sets answer, which must be whole. Both are refused while another task reads.
ask() {
	until { echo "$1" >$WATCH/holders; } 2>/tmp/refused; do
		grep -q "resource busy" /tmp/refused || return
	done
	while busy; do :; done
	printf '%s\n' "$answer" | grep -qE '^(references [0-9]+, found [0-9]+; |no page is out)'
}

# ask_often SOURCE: sets asked and wrong.
ask_often() {
	asked=0 wrong=0
	for _ in $(seq $ROUNDS); do
		questions "$1" >/tmp/questions
		while read -r question; do
			asked=$((asked + 1))
			ask "$question" && continue
			wrong=$((wrong + 1))
			ktap_diag "$question: $answer $(cat /tmp/refused)"
		done </tmp/questions
	done
}

# A search that runs is read as well as one that has ended.
read_on() {
	while [ ! -e /tmp/enough ]; do
		cat $WATCH/holders
		sleep 0.1
	done >/dev/null
}

under_traffic() {
	ktap_check "$1: the driver loads, and a ping is answered" wire_up "pages=$1" copybreak=0
	talk_begin $BYTES
	read_on &
	reader=$!
	ask_often "$1"
	talk_end
	wait $reader
	ktap_check "$1: asked $asked times" [ "$asked" -ge $ROUNDS ]
	ktap_equal "$1: each answer was whole" 0 "$wrong"
	ktap_equal "$1: each byte has arrived" 0 "$(wc -c </tmp/wrong)"
	ktap_check "$1: the driver unloads" wire_down
}

[ -e watch/labyrinth_watch.ko ] || ktap_skip_all "it was not built for this kernel"
ktap_plan 13
insmod labyrinth.ko
insmod watch/labyrinth_watch.ko share=100
mark=$(dmesg_mark)
under_traffic pool
under_traffic labyrinth
ktap_lacks "nothing was refused or noticed" "BUG: labyrinth" "$(dmesg_since "$mark")"
ktap_check "labyrinth_watch unloads" rmmod labyrinth_watch
ktap_check "labyrinth unloads" rmmod labyrinth
ktap_end
