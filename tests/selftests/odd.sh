#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Odd values in every parameter and every file of debugfs, and odd reads of them: nothing
# comes of it but an errno and a line. What is right for no parameter changes none; a value
# that is right after all is put back.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
PARAMETERS=/sys/module/labyrinth/parameters

count() { echo $#; }
long() { head -c "$1" /dev/zero | tr '\0' "$2"; }

# One value a line.
odd_values() {
	printf '%s\n' ' ' , ,, ,all all, '%s%n%p' '*' ../.. -0 +0 +64 0x40 0100 -1 1e3 64.0 65 \
		2147483648 4294967296 18446744073709551615 18446744073709551616 \
		-9223372036854775808 Y n on OFF true refuse,off map,map,map free,
	printf '\001\033[31m\377\n'
	long 200 9 && echo
	long 4000 a && echo
	long 4090 , && echo
}

# Right for no parameter.
wrong_values() {
	printf '%s\n' -1 -9223372036854775808 3000000000 '*' ../.. '%s%n%p' map,off
	long 200 9 && echo
}

# Each is refused, and what was there stays.
refuse_wrong() {
	wrong_values | while IFS= read -r value; do
		if printf '%s' "$value" >"$1" || [ "$(cat "$1")" != "$was" ]; then
			echo "after '$value' it is '$(cat "$1")', and was '$was'"
			exit 1
		fi
	done
} 2>/dev/null

write_odd() {
	odd_values | while IFS= read -r value; do
		printf '%s' "$value"
	done >"$1"
	odd_values | while IFS= read -r value; do
		printf '%s' "$value" >"$1"
	done
	printf '%s\0%s' 1 2 >"$1"
	printf '\0' >"$1"
	printf '\n\n' >"$1"
	: >"$1"
} 2>/dev/null

# From odd places, in odd pieces, and two at a time.
read_odd() {
	for skip in 1 4095 65536 2147483647 9223372036854775800; do
		dd if="$1" bs=1 count=7 skip="$skip"
	done
	dd if="$1" bs=3 count=50
	dd if="$1" bs=1048576 count=1
	cat "$1" & cat "$1"
	wait
} >/dev/null 2>&1

of_parameter() {
	was=$(cat "$1")
	refuse_wrong "$1" || return
	write_odd "$1"
	read_odd "$1"
	echo "$was" >"$1" && [ "$(cat "$1")" = "$was" ]
}

of_file() { write_odd "$1"; read_odd "$1"; cat "$1" >/dev/null; }

load_odd() {
	for parameter in "$PARAMETERS"/*; do
		name=${parameter##*/}
		for value in '' -1 0 3 '"' '%s' 18446744073709551615; do
			echo "$name=$value"
		done
		echo "$name"
	done >/tmp/odd
	rmmod labyrinth
	while read -r argument; do
		insmod labyrinth.ko "$argument" 2>/dev/null
		! module_loaded labyrinth || rmmod labyrinth || return
	done </tmp/odd
	insmod labyrinth.ko capacity=1 max_owners=1 history=64
}

insmod labyrinth.ko
insmod tests/selftests/labyrinth_probe.ko
echo "hold 100" >/sys/kernel/debug/labyrinth_probe/do
ktap_plan $(($(count "$PARAMETERS"/* "$DEBUGFS"/*) + 3))
for parameter in "$PARAMETERS"/*; do
	if [ -w "$parameter" ] && [ "$(stat -c %a "$parameter")" != 444 ]; then
		ktap_check "parameter ${parameter##*/}" of_parameter "$parameter"
	else
		ktap_check "parameter ${parameter##*/}" read_odd "$parameter"
	fi
done
for file in "$DEBUGFS"/*; do
	ktap_check "file ${file##*/}" of_file "$file"
done
ktap_check "pages are handed out as ever" sh -c "echo 'drop 100' >/sys/kernel/debug/labyrinth_probe/do"
rmmod labyrinth_probe
ktap_check "loads with odd values succeed or are refused" load_odd
ktap_check "the module unloads" rmmod labyrinth
ktap_end
