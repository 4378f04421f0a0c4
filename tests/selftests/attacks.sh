#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nonsense to everything that can be written to or read: each parameter, at load and
# after, and each file in debugfs, while others read them and hard interrupts allocate.
# Each time there is an answer, and after it all everything is as it was. What is
# tried is the same each time.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
PARAMETERS=/sys/module/labyrinth/parameters
ATTACK="${0%/*}/user/attack"
SEED=1021
WORDS=4			# for each parameter, at load
CALLS=150		# for each file

# It may be refused or not; but what is loaded can be unloaded.
load_with() {
	insmod labyrinth.ko "$1" 2>/dev/null || return 0
	accepted=$((accepted + 1))
	rmmod labyrinth
}

attack_load() {
	seed=$SEED
	for parameter in $parameters; do
		seed=$((seed + 1))
		"$ATTACK" "$seed" "$WORDS" >/tmp/words
		while IFS= read -r word; do
			tried=$((tried + 1))
			load_with "$parameter=$word" || return
		done </tmp/words
	done
	[ "$tried" -gt 0 ]
}

# What is handed out, to whom.
steady() { grep HELD $DEBUGFS/pages | cut -d " " -f 1-4 | sort; }

settings() {
	for parameter in $parameters; do
		echo "$parameter $(cat "$PARAMETERS/$parameter")"
	done
}

restore() {
	while read -r parameter value; do
		[ ! -w "$PARAMETERS/$parameter" ] || echo "$value" 2>/dev/null >"$PARAMETERS/$parameter"
	done </tmp/settings
}

# attack NAME FILE...
attack() {
	name=$1
	shift
	ktap_check "$name: every call comes back" "$ATTACK" $SEED $CALLS "$@"
	ktap_diag "$name: $(tail -n 1 "$KTAP_LOG")"
}

ktap_plan 11
ktap_check "the module loads" insmod labyrinth.ko
parameters=$(ls $PARAMETERS)
settings >/tmp/settings
rmmod labyrinth

tried=0 accepted=0
ktap_check "at load, each nonsense is refused or harmless" attack_load
ktap_diag "$tried loads tried, $accepted accepted"

insmod labyrinth.ko
insmod tests/selftests/labyrinth_probe.ko
echo "hold 20" >$DO
steady >/tmp/before
ktap_equal "pages are handed out" 20 "$(wc -l </tmp/before)"
echo hammer >$DO
attack "parameters" $PARAMETERS/*
restore
# There the worker alone refills, so a hard interrupt may find nothing while a quarantine, which is one
# of the parameters, keeps what it frees.
if uname -v | grep -q PREEMPT_RT; then
	echo rest >$DO 2>/dev/null
	sleep 1
	echo hammer >$DO
fi
attack "debugfs" $DEBUGFS/*
ktap_check "meanwhile no allocation in a hard interrupt failed" sh -c "echo rest >$DO"
settings >/tmp/after
ktap_check "every parameter can be set to what it was" cmp /tmp/settings /tmp/after
steady >/tmp/after
ktap_check "every page is whose it was" cmp /tmp/before /tmp/after
expect_begin
mark=$(dmesg_mark)
ktap_refuse "a foreigner is refused as before" sh -c "echo foreign-free >$DO"
ktap_contains "and reported" "BUG: labyrinth: foreign-free" "$(dmesg_since "$mark")"
expect_end
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
