#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Loading and unloading: again and again, not while somebody uses the module, and
# not with a parameter that is wrong.

. "${0%/*}/ktap.sh"

ROUNDS=50

# A wrong parameter, and what the message that refuses it must contain.
wrong_parameters() {
	cat <<-'END'
		capacity=18446744073709551615	capacity
		capacity=9223372036854775808	capacity
		capacity=-1			capacity
		capacity=many			capacity
		max_owners=4294967295		max_owners
		max_owners=-1			max_owners
		max_owners=few			max_owners
		on_refusal=ignore		on_refusal
		on_refusal=			on_refusal
		on_refusal=reportwarn		on_refusal
		report_burst=-1			report_burst=-1 is no number
		trace_burst=-5			trace_burst=-5 is no number
		poison=maybe			poison=maybe is neither 0 nor 1
	END
}

right_parameters() {
	cat <<-'END'
		capacity=0
		capacity=4096
		max_owners=8
		on_refusal=report
		on_refusal=warn
		on_refusal=panic
	END
}

load_many_times() {
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		round=$((round + 1))
		insmod labyrinth.ko || { echo "load $round"; return 1; }
		rmmod labyrinth || { echo "unload $round"; return 1; }
	done
}

load_and_unload() {
	insmod labyrinth.ko "$@" && rmmod labyrinth
}

# check_wrong PARAMETER MESSAGE: two results.
check_wrong() {
	mark=$(dmesg_mark)
	ktap_refuse "$1 is refused" insmod labyrinth.ko "$1"
	ktap_contains "$1 is refused with a message" "labyrinth.*$2" "$(dmesg_since "$mark")"
	unload_all
}

wrong=$(wrong_parameters | wc -l)
right=$(right_parameters | wc -l)
ktap_plan $((5 + right + 2 * wrong))

ktap_check "loaded and unloaded $ROUNDS times" load_many_times

insmod labyrinth.ko
ktap_check "a consumer loads" insmod samples/labyrinth_sample.ko
ktap_refuse "unloading is refused while a consumer is loaded" rmmod labyrinth
ktap_check "the consumer unloads" rmmod labyrinth_sample
ktap_check "unloading works once the consumer is gone" rmmod labyrinth
unload_all

# The tables come in by a file: at the end of a pipe, results would be lost.
right_parameters >/tmp/right
while read -r parameter; do
	ktap_check "$parameter is accepted" load_and_unload "$parameter"
done </tmp/right

wrong_parameters >/tmp/wrong
while read -r parameter message; do
	check_wrong "$parameter" "$message"
done </tmp/wrong

ktap_end
