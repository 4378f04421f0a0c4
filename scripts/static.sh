#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/static.sh
# The checks that run no kernel: sparse, checkpatch.pl --strict, kernel-doc,
# check-style.sh, shellcheck for the scripts, htmldocs.sh for HTML and man pages, that README
# prints the template driver, and that the plots are those of the tables. Each finding fails.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

options '' "$@"
no_arguments "${args[@]}"

# checkpatch.pl ends with 1 where it finds something, also what is let pass here.
# Its stderr is spdxcheck.py, which wants to stand in a kernel's git tree. It keeps a
# list of names where it stands, so that is among the logs.
checkpatch() {
	local ignore raw=$LABYRINTH_LOGS/checkpatch.raw findings
	ignore=$(awk '/^[A-Z]/ && NF == 1 { print $1 }' "$LAB_SCRIPTS/checkpatch-ignore" | paste -sd,)
	cd "$LABYRINTH_LOGS" || return
	perl "$source/scripts/checkpatch.pl" --root="$source" --strict --terse \
		--no-summary --show-types --no-color --ignore="$ignore" \
		--file "${files[@]/#/$LAB_ROOT/}" >"$raw" 2>"$raw.stderr" ||
		(($? == 1)) || { cat "$raw.stderr"; return 1; }
	findings=$(awk -v rules="$LAB_SCRIPTS/checkpatch-ignore" -v top="$LAB_ROOT/" '
		BEGIN {
			while ((getline line <rules) > 0)
				if (split(line, word, " ") == 2)
					ignored[word[2] ":" word[1]]
		}
		# file:line: LEVEL:TYPE: text
		{ $0 = substr($0, length(top) + 1); split($0, part, ":") }
		!((part[1] ":" part[4]) in ignored)' "$raw")
	[[ -z $findings ]] || { printf '%s\n' "$findings"; return 1; }
}

# kernel-doc's status is 0 for errors and for 256 warnings: what counts is that it has
# nothing to say.
kernel_doc() {
	local findings
	cd "$LAB_ROOT" || return
	findings=$(list_module_sources . | grep '\.[ch]$' |
		xargs perl "$source/scripts/kernel-doc" -none -Werror 2>&1) ||
		findings+=" (status $?)"
	[[ -z $findings ]] || { printf '%s\n' "$findings"; return 1; }
}

# SC2317: functions that are passed by name look unreachable to it. SC2187: the
# guest's shell is busybox, checked as its nearest kin.
scripts_clean() {
	cd "$LAB_ROOT" && find scripts .ci tests/selftests tests/driver tests/package tools debian/labyrinth-lab -type f \
		\( -name '*.sh' -o -path .ci/run -o -path scripts/lab -o -path scripts/vm/init -o -path tools/labyrinth \
		-o -path debian/labyrinth-lab \) -print0 |
		xargs -0 shellcheck -x -P .:tests/selftests:tests/selftests/nic -e SC2317,SC2187
}

# What README prints are the template's files; build.sh compiles them.
# shellcheck disable=SC2016 # they are make's dollars and README's backquotes
readme_is_template() {
	local template=$LAB_ROOT/samples/template
	diff <(sed -n '/^```c$/,/^```$/{/^```/d;p}' "$LAB_ROOT/README.md") \
		<(sed '/SPDX-License-Identifier/d' "$template/my_driver.c") &&
		diff <(sed -n 's/^    \(.*labyrinth\/$(KERNELRELEASE).*\)/\1/p' "$LAB_ROOT/README.md") \
			<(grep 'labyrinth/\$(KERNELRELEASE)' "$template/Kbuild")
}

check() {
	local name=$1
	shift
	result_of "$name" run_logged "$name" "$LABYRINTH_LOGS/$name.log" "$@" || status=1
}

log_dir
"$LAB_SCRIPTS/deps.sh" fetch build static
source=$("$LAB_SCRIPTS/kernel.sh" source "$KERNEL_DEFAULT")
# tests/simulate is a program of user space, which defines what checkpatch takes for the kernel's.
mapfile -t files < <(list_sources "$LAB_ROOT" | grep '\.[ch]$' | grep -v '^tests/simulate/')
status=0
# As long as most others together, so beside them.
result_of checkpatch run_logged checkpatch "$LABYRINTH_LOGS/checkpatch.log" checkpatch &
checkpatch=$!
result_of sparse "$LAB_SCRIPTS/build.sh" --sparse || status=1
check kernel-doc kernel_doc
check check-style "$LAB_SCRIPTS/check-style.sh"
check check-style-self-test "$LAB_SCRIPTS/check-style.sh" --selftest
check shellcheck scripts_clean
check readme readme_is_template
check plots "$LAB_SCRIPTS/plots.py" --check
result_of htmldocs "$LAB_SCRIPTS/htmldocs.sh" --out "$LABYRINTH_LOGS/html" || status=1
result_of man "$LAB_SCRIPTS/htmldocs.sh" --man --out "$LABYRINTH_LOGS/man" || status=1
wait "$checkpatch" || status=1
exit "$status"
