#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/bench-layout.sh LABYRINTH.KO [MODULE...]
# Looks whether modules as built keep to "in steady state no cache line is written
# by two CPUs": an owner's hot part is one line; what all owners read is on lines
# on which nothing else is; and no code but that of loading stores into it. Prints
# the layout. (That it keeps its value while in use, the benchmark sees to.)

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

options '' "$@"
set -- "${args[@]}"
(($#)) || die "no module given (see --help)"
for module; do
	[[ -r $module ]] || die "there is no module '$module'"
done

# Functions that run before there is an owner.
LOADING='^(init_module|lab_owners_init)$'

# member_offset STRUCT MEMBER
member_offset() {
	pahole -E -C "$1" "$module" 2>/dev/null | awk -v name="$2" '
		{ sub(/ __attribute__.*;/, ";") }
		$0 ~ "[ *}]" name ";" && match($0, /\/\* *[0-9]+/) {
			print substr($0, RSTART + 2, RLENGTH - 2) + 0
			exit
		}'
}

struct_size() { pahole -s "$module" | awk -v name="$1" '$1 == name { print $2 }'; }

# Functions that store to labyrinth_hot. A store
# has its operand in memory last; what is only compared is not stored to.
stores() {
	objdump -dr --no-show-raw-insn "$module" | awk '
		/^[0-9a-f]+ <.*>:$/ { function_name = substr($2, 2, length($2) - 3); next }
		/R_X86_64_/ {
			if ($NF ~ /^labyrinth_hot/ && insn ~ /0x0\(%rip\) *(#.*)?$/ &&
			    insn !~ /^(cmp|test|div|mul|imul|push|call|jmp|lea)/)
				print function_name
			next
		}
		{ insn = $0; sub(/^ *[0-9a-f]+:\t/, "", insn) }' | sort -u
}

# The second line is for the calls of receive buffers alone.
front() {
	local second size
	second=$(member_offset lab_front rx)
	size=$(struct_size lab_front)
	say "    struct lab_front: $size bytes, what the calls of receive buffers read begins at byte $second"
	[[ $second == 64 && $size == 128 ]]
}

constant() {
	local last size
	last=$(member_offset labyrinth_hot multiplier)
	size=$(struct_size labyrinth_hot)
	say "    struct labyrinth_hot: $size bytes, what a fast path reads ends at byte $((last + 4))"
	((last > 0 && last + 4 <= 64 && size % 64 == 0))
}

# The module that has it stores there when it is loaded: else we have not seen how.
unwritten() {
	local names strangers
	names=$(stores)
	say "    stores to labyrinth_hot: ${names//$'\n'/ }"
	strangers=$(grep -vE "$LOADING" <<<"$names" || true)
	[[ -z $strangers && ($module != "$first" || -n $names) ]]
}

status=0
module=$1 first=$1
result_of "layout: an owner's hot part is one cache line" front || status=1
result_of "layout: what all owners read has lines of its own" constant || status=1
for module; do
	result_of "layout: $(basename "$module") stores there only while loading" unwritten || status=1
done
exit "$status"
