#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/drgn.sh [--kernel KERNEL] [--out DIR]
# Whether scripts/labyrinth-drgn.py reads the same from a living kernel, from the dump of it that
# kdump saves, and from what makedumpfile leaves of that, as debugfs says before the panic.
#   --out DIR  where the dump and the outputs stay; by default they go

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT out=''
options 'kernel=kernel:boot out=out' "$@"
no_arguments "${args[@]}"

# What has another value by the time the memory is saved; and how long a function is: by its symbol,
# or, as %pS has it, up to the next.
mask() { sed -E 's/[0-9]+\.[0-9]{3}/T/g; s/(\+0x[0-9a-f]+)\/0x[0-9a-f]+/\1/g; s/\r//' | sort; }

# of SECTION: what the guest printed.
of() {
	awk -v name="$1" '/^== / { on = $2 == name; next } on' "$dir/output.log"
}

# shellcheck disable=SC2317 # called by name
from_core() {
	/usr/bin/python3 "$LAB_SCRIPTS/labyrinth-drgn.py" --core "$dir/$1" --module "$modules/labyrinth.ko" "${@:2}"
}

# same NAME SECTION COMMAND...: the two say the same, and say something.
same() {
	local wanted got
	wanted=$(of "$2" | mask)
	got=$("${@:3}" 2>&1 | mask)
	if [[ -n $wanted && $wanted == "$got" ]]; then
		result pass "$title: $1"
	else
		diff <(echo "$wanted") <(echo "$got") >&2 || true
		result fail "$title: $1"
		failed=1
	fi
}

# says NAME REGEX COMMAND...
says() {
	local got
	got=$("${@:3}" 2>&1)
	if grep -qE -- "$2" <<<"$got"; then
		result pass "$title: $1"
	else
		say "$got"
		result fail "$title: $1"
		failed=1
	fi
}

judge() {
	local core page
	page=$(sed -nE 's/^== live-page (0x[0-9a-f]+).*/\1/p' "$dir/output.log")
	same "the living kernel's pages by site are debugfs'" debugfs-sites of live-sites
	same "the living kernel's refusals are debugfs'" debugfs-refusals of live-refusals
	says "a page's story, live" 'alloc by "rx0" at rx_refill\+.*\[labyrinth_symptoms\], task, CPU' of live-page
	says "reports in full, live" 'BUG: labyrinth: double-free in rx_free' of live-reports
	for core in vmcore level-31; do
		same "$core: pages by site" debugfs-sites from_core "$core" sites
		same "$core: refusals" debugfs-refusals from_core "$core" refusals
		same "$core: owners" live-owners from_core "$core" owners
		same "$core: a page's story" live-page from_core "$core" page "$page"
		same "$core: reports" live-reports from_core "$core" reports
	done
}

log_dir
"$LAB_SCRIPTS/deps.sh" drgn
title="drgn $kernel"
failed=0
dir=$out
if [[ -z $out ]]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
fi
modules=$dir/modules
"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$modules"
tools=$("$LAB_SCRIPTS/user-tools.sh" drgn)
"$LAB_SCRIPTS/kdump.sh" --kernel "$kernel" --out "$dir" --mem 1024 \
	--vm --modules --vm "$modules" --vm --archive --vm "$tools" \
	--vm --add --vm "$LAB_SCRIPTS/labyrinth-drgn.py" -- sh scripts/vm/drgn.sh || failed=1
judge
exit "$failed"
