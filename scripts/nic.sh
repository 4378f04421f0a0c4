#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/nic.sh [--kernel KERNEL] [--iommu] [test...]
#        scripts/nic.sh [--kernel KERNEL] --cost [machine...]
# Runs the sample network driver at length (traffic, restart, memory, or those that
# are named: tests/selftests/nic) in a virtual machine with two cards, one wired to
# the other, every refusal a panic. With --iommu the cards are behind an IOMMU in
# strict mode, which must not see a fault. --cost counts instead what a received
# frame costs in instructions, and the lines of code, with pages from page_pool, from
# Labyrinth, from Labyrinth mapped for each frame, and from alloc_page(); it fails if
# Labyrinth's are dearer than page_pool's. Frames of 64 bytes are measured copied, too,
# and may be two percent dearer then. With two buffers to a page, half pages that the driver
# flips and Labyrinth's are compared, in instructions and in the memory of a full socket
# buffer, of which Labyrinth's may take a twentieth more. Machines: direct (no IOMMU; fresh
# pages are zeroed or not), iommu (in strict mode), bounce (all DMA by bounce buffers: a
# percent dearer is allowed); default all of them.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

TESTS=(traffic restart memory)
MACHINES=(direct iommu bounce)

kernel=$KERNEL_DEFAULT iommu='' cost=''
options "kernel=kernel:boot iommu cost" "$@"
if [[ -n $cost ]]; then
	machines=("${args[@]:-${MACHINES[@]}}")
	for machine in "${machines[@]}"; do
		[[ " ${MACHINES[*]} " == *" $machine "* ]] || die "there is no machine '$machine' (see --help)"
	done
else
	set -- "${args[@]:-${TESTS[@]}}"
	tests=("${@/#/tests/selftests/nic/}")
	tests=("${tests[@]/%/.sh}")
	tests_exist "${tests[@]}"
fi
[[ -z $iommu || -z $cost ]] || die "--iommu and --cost do not go together (see --help)"

# What the IOMMU has blocked is on the console. DMA is what a strict domain is called.
iommu_is_content() {
	local log=$LABYRINTH_LOGS/nic-iommu-$kernel/console.log
	grep -q "labyrinth-test: the IOMMU's domain is of type DMA$" "$log" &&
		! grep -E 'DMAR:.*(fault|PTE|\[DMA)' "$log" >&2
}

# machine_args MACHINE: for vm.sh.
machine_args() {
	case $1 in
	iommu) printf '%s\n' --append "intel_iommu=on iommu.strict=1" --qemu -device --qemu intel-iommu ;;
	bounce) printf '%s\n' --append swiotlb=force ;;
	esac
}

# count_cost LOGS MACHINE INIT: what tests/selftests/nic/cost.sh printed, for a kernel
# that zeroes fresh pages (as Debian's does unless told not to) or does not.
count_cost() {
	local args
	mapfile -t args < <(machine_args "$2")
	mkdir -p "$1"
	run_logged "counting instructions, kernel $kernel, $2, init_on_alloc=$3" "$1/vm.log" \
		"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --icount "${args[@]}" --wire \
		--modules "$modules" --qemu -global --qemu e1000.mitigation=off \
		--append "init_on_alloc=$3" --log "$1" -- tests/selftests/nic/cost.sh guard=refuse
	sed -n 's/^cost //p' "$1/output.log"
}

# print_socket FILE: memory of a full socket buffer; frags' may be 1.05 times flip's a frame.
print_socket() {
	sed -n 's/^socket //p' "$1" | awk '
		{
			printf "a socket buffer of 8 MB, %s: %d frames, truesize %.0f each, %.0f bytes of memory each\n",
				$1, $2, $3 / $2, $4 * 4096 / $2
			size[$1] = $3 / $2
			memory[$1] = $4 / $2
		}
		END { exit !size["flip"] || size["frags"] > size["flip"] * 1.05 || memory["frags"] > memory["flip"] * 1.05 }'
}

# print_cost MACHINE INIT MOST: receiving is what is left of both when sending is taken
# off, which does not depend on where the receiver's pages come from: the least counts.
# Labyrinth's may be MOST times page_pool's. For a frame that is copied Labyrinth looks the
# buffer up twice, and page_pool's driver checks nothing: there two percent are allowed.
print_cost() {
	awk -v machine="$1" -v init="$2" -v most="$3" '
		{
			both[$2, $1] = $3
			if (!seen[$2]++) {
				size[++n] = $2
				alone[$2] = $4
			} else if ($4 < alone[$2]) {
				alone[$2] = $4
			}
		}
		function cost(s, source) { return both[s, source] ? both[s, source] - alone[s] : 0 }
		END {
			for (i = 1; i <= n; i++) {
				s = size[i]
				a = cost(s, "alloc"); p = cost(s, "pool")
				l = cost(s, "labyrinth"); m = cost(s, "mapped")
				h = cost(s, "flip"); f = cost(s, "frags")
				if (!a || !p || !l || !m) {
					bad = 1
					continue
				}
				name = s == "copied" ? "  64 bytes, copied" : sprintf("%4d bytes", s)
				printf "%s, %s, init_on_alloc=%d: page_pool %d, labyrinth %d (%.3f), mapped each time %d (%.3f), alloc %d (%.3f)\n",
					name, machine, init, p, l, l / p, m, m / p, a, a / p
				if (h && f)
					printf "%s, %s, init_on_alloc=%d: half pages flipped %d, of Labyrinth %d (%.3f)\n",
						name, machine, init, h, f, f / h
				if (l > p * (s == "copied" ? 1.02 : most) || f > h * 1.05)
					bad = 1
			}
			exit bad || n != 4
		}'
}

# Without comments, blank lines and what each has for its table and its headers.
count_lines() {
	local source
	for source in alloc pool mapped labyrinth flip frags; do
		printf 'lines of rx_%s.c: ' "$source"
		gcc-12 -fpreprocessed -dD -E -P "$LAB_ROOT/samples/nic/rx_$source.c" 2>/dev/null |
			grep -vc '^ *\(#\|$\)'
	done
}

# judge_machine MACHINE INIT MOST
judge_machine() {
	local name=$1-$2
	count_cost "$LABYRINTH_LOGS/nic-cost-$name" "$1" "$2" >"$scratch/cost-$name"
	result_of "nic $kernel: a frame costs no more than with page_pool, $1, init_on_alloc=$2" \
		print_cost "$@" <"$scratch/cost-$name" || status=1
	result_of "nic $kernel: two buffers to a page take no more memory than half pages, $1" \
		print_socket "$LABYRINTH_LOGS/nic-cost-$name/output.log" || status=1
}

judge_cost() {
	local machine
	modules=$scratch/modules
	"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$modules"
	for machine in "${machines[@]}"; do
		case $machine in
		bounce) judge_machine bounce 0 1.01 ;;
		*) judge_machine "$machine" 0 1.00 ;;
		esac
		[[ $machine != direct ]] || judge_machine direct 1 1.00
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
