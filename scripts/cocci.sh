#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/cocci.sh [--kernel]
# Has coccinelle look for breaches of the habits in tests/cocci, a rule each, with a mistake
# planted for each rule (tests/cocci/planted.c) that must be found. What is right all the same
# is in tests/cocci/allowed. --kernel: also every rule of the kernel's own (scripts/coccinelle
# of 6.1's source), which takes some minutes.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

rules=$LAB_ROOT/tests/cocci

# The kernel's macros are not for programs of user space.
kernel_sources() { list_sources . | grep '\.[ch]$' | grep -v -e /user/ -e /simulate/ -e /planted.c; }

# spatch_with RULE FILE...: the findings, a line each. Coccinelle's own complaints are findings,
# but for its questions about names of functions.
spatch_with() {
	local rule=$1
	shift
	spatch -D report --sp-file "$rule" --very-quiet --no-includes --include-headers "$@" 2>&1 |
		grep -v -e '^$' -e '^warning: line [0-9]*: should .* be a metavariable' || true
}

# Takes out what tests/cocci/allowed has.
not_allowed() {
	awk -v rules="$rules/allowed" '
		BEGIN {
			while ((getline line <rules) > 0)
				if (line !~ /^#/ && split(line, word) > 2)
					allowed[word[1] " " word[2]]
		}
		{ split($0, part, ":"); split($0, said, "struct page.s "); split(said[2], name, " ") }
		!((part[1] " " name[1]) in allowed)'
}

habit_is_kept() {
	local name=$1 findings planted
	shift
	planted=$(spatch_with "$rules/$name.cocci" "$rules/planted.c" | grep -c .)
	((planted == 1)) || { say "$name finds $planted mistakes in planted.c, and there is one"; return 1; }
	findings=$(spatch_with "$rules/$name.cocci" "$@" | not_allowed)
	[[ -z $findings ]] || { printf '%s\n' "$findings"; return 1; }
}

# Of two rules' findings some are patches: a finding is a line of file:line.
kernel_rule_is_kept() {
	local findings
	findings=$(spatch_with "$@" | grep -E '^[^ ]+:[0-9]+' || true)
	[[ -z $findings ]] || { printf '%s\n' "$findings"; return 1; }
}

options kernel "$@"
no_arguments "${args[@]}"
log_dir
"$LAB_SCRIPTS/deps.sh" cocci ${kernel:+fetch}
cd "$LAB_ROOT"
status=0
mapfile -t files < <(kernel_sources)
mapfile -t modules < <(list_module_sources . | grep '\.[ch]$')
for rule in "$rules"/*.cocci; do
	name=$(basename "$rule" .cocci)
	result_of "cocci.$name" run_logged "$name" "$LABYRINTH_LOGS/cocci-$name.log" \
		habit_is_kept "$name" "${modules[@]}" || status=1
done
if [[ -n ${kernel:-} ]]; then
	source=$("$LAB_SCRIPTS/kernel.sh" source "$KERNEL_DEFAULT")
	while read -r rule; do
		name=$(basename "$rule" .cocci)
		result_of "cocci.kernel.$name" run_logged "$name" "$LABYRINTH_LOGS/cocci-$name.log" \
			kernel_rule_is_kept "$source/$rule" "${files[@]}" || status=1
	done < <(cd "$source" && grep -rl '^virtual report' scripts/coccinelle | sort)
fi
exit "$status"
