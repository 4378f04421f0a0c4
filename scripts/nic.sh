#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/nic.sh [--kernel KERNEL] [--iommu|--cost] [test...]
# Runs the sample network driver at length (traffic, restart, memory, or those that
# are named: tests/selftests/nic) in a virtual machine with two cards, one wired to
# the other, every refusal a panic. With --iommu the cards are behind an IOMMU in
# strict mode, which must not see a fault. --cost counts instead what a received
# frame costs in instructions, and the lines of code, with pages from alloc_page(),
# from page_pool and from Labyrinth; it fails if Labyrinth's are dearer than those of
# alloc_page() by more than a percent.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

TESTS=(traffic restart memory)

kernel=$KERNEL_DEFAULT iommu='' cost=''
options "kernel=kernel:boot iommu cost" "$@"
set -- "${args[@]:-${TESTS[@]}}"
tests=("${@/#/tests/selftests/nic/}")
tests=("${tests[@]/%/.sh}")
tests_exist "${tests[@]}"
[[ -z $iommu || -z $cost ]] || die "--iommu and --cost do not go together (see --help)"

# What the IOMMU has blocked is on the console. DMA is what a strict domain is called.
iommu_is_content() {
	local log=$LABYRINTH_LOGS/nic-iommu-$kernel/console.log
	grep -q "labyrinth-test: the IOMMU's domain is of type DMA$" "$log" &&
		! grep -E 'DMAR:.*(fault|PTE|\[DMA)' "$log" >&2
}

# count_cost LOGS INIT: what tests/selftests/nic/cost.sh printed, for a kernel that
# zeroes fresh pages (as Debian's does unless told not to) or does not.
count_cost() {
	mkdir -p "$1"
	run_logged "counting instructions, kernel $kernel, init_on_alloc=$2" "$1/vm.log" \
		"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --icount --wire --modules "$modules" \
		--qemu -global --qemu e1000.mitigation=off --append "init_on_alloc=$2" \
		--log "$1" -- tests/selftests/nic/cost.sh
	sed -n 's/^cost //p' "$1/output.log"
}

# Receiving is what is left of both when sending is taken off.
print_cost() {
	awk -v init="$1" '
		{ cost[$2, $1] = $3 - $4; if (!seen[$2]++) size[++n] = $2 }
		END {
			for (i = 1; i <= n; i++) {
				s = size[i]
				a = cost[s, "alloc"]; p = cost[s, "pool"]; l = cost[s, "labyrinth"]
				printf "%4d bytes, init_on_alloc=%d: alloc %d, page_pool %d (%.3f), labyrinth %d (%.3f)\n",
					s, init, a, p, p / a, l, l / a
				if (!a || !p || !l || l > a * 1.01)
					bad = 1
			}
			exit bad || n != 3
		}'
}

# Without comments, blank lines and what each has for its table and its headers.
count_lines() {
	local source
	for source in alloc pool labyrinth; do
		printf 'lines of rx_%s.c: ' "$source"
		gcc-12 -fpreprocessed -dD -E -P "$LAB_ROOT/samples/nic/rx_$source.c" 2>/dev/null |
			grep -vc '^ *\(#\|$\)'
	done
}

judge_cost() {
	local init
	modules=$scratch/modules
	"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$modules"
	for init in 0 1; do
		count_cost "$LABYRINTH_LOGS/nic-cost-$init" "$init" >"$scratch/cost-$init"
		result_of "nic $kernel: a frame costs no more than with alloc_page(), init_on_alloc=$init" \
			print_cost "$init" <"$scratch/cost-$init" || status=1
	done
	count_lines
}

log_dir
status=0
if [[ -n $cost ]]; then
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	judge_cost
	exit "$status"
fi
"$LAB_SCRIPTS/selftest.sh" --kernel "$kernel" --title nic --mem 1024 ${iommu:+--iommu} \
	"${tests[@]}" || status=1
if [[ -n $iommu ]]; then
	result_of "nic-iommu $kernel: the IOMMU has seen no fault" iommu_is_content || status=1
fi
exit "$status"
