#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/in-tree.sh [--kernel K]
# Does what Documentation/testing.rst says of Labyrinth in a kernel's tree, line by line, in a
# copy (of links) of Debian's source, which is built anew: some minutes. K is one of
# scripts/kernels.tsv whose use is kunit, default the first.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

# The literal block after the words "in a kernel's tree".
lines() { awk '/in a kernel.s tree::$/ { on = 1; next } on && /^    / { print substr($0, 5); n++ } on && n && !/^    /{ exit }' \
	"$LAB_ROOT/Documentation/testing.rst"; }

kernel=$KERNEL_DEFAULT
options "kernel=kernel:kunit" "$@"
no_arguments "${args[@]}"
[[ $(kernel_field "$kernel" arch) == amd64 ]] || die "in User-Mode Linux, which $kernel is not for"
log_dir
"$LAB_SCRIPTS/deps.sh" fetch kunit
source=$("$LAB_SCRIPTS/kernel.sh" source "$kernel")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/linux
# kunit.py goes by where it really is; the lines write to the others.
link_tree "$source" "$tree" tools/testing/kunit Kbuild Kconfig
lines >"$work/lines"
say "in the tree of $kernel:" && sed 's/^/    /' "$work/lines" >&2
log=$LABYRINTH_LOGS/in-tree-$kernel.log
status=0
run_logged "the lines of testing.rst" "$log" \
	env -C "$tree" "labyrinth=$LAB_ROOT" bash -euo pipefail "$work/lines" || status=$?
# kunit.py's last words: how many tests there were.
said=$(grep -oE 'Testing complete\. .*|Ran [0-9]+ tests: .*' "$log" | tail -n 1) || true
say "    $said"
[[ $status == 0 && $said =~ (passed: [1-9]|Passed: [1-9]) ]] || { result fail "in-tree $kernel: $said"; exit 1; }
result pass "in-tree $kernel: $said"
