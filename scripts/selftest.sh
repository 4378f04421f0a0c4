#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/selftest.sh [option...] [test...]
# Runs the self-tests (tests/selftests/*.sh, or those named) in a virtual machine
# with a stock kernel, against the modules as they are shipped; or with a kernel that
# has checkers (see debug-kernel.sh), which takes several times as long.
#   --kernel KERNEL as for vm.sh
#   --iommu         the machine has an IOMMU, in strict mode
#   --mem MB        the guest's memory, default what the host can spare
#   --title NAME    what the results are listed under, default "selftest"
#   --vm ARG        one more argument for vm.sh; may be repeated

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

kernel=$KERNEL_DEFAULT title=selftest mem='' iommu=''
vm=()
options "kernel=kernel:boot iommu mem=count title=text vm+=text" "$@"
set -- "${args[@]}"
iommu=${iommu:+-iommu}
tests_exist "$@"

judge() {
	judge_guest record_result "$title$iommu $kernel" "$logs" || failed=1
	((status != 124)) || fail "the guest took too long"
	((status == 0 || status == 124)) || fail "the guest ended with status $status"
}

fail() {
	result fail "$title$iommu $kernel: $1"
	failed=1
}

# A million pages take 4 GB, which qemu asks the host for as the guest uses it.
# Where the processor is another one, that many would take very long.
memory() {
	local available
	available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	[[ $ARCH == amd64 ]] || available=0
	echo $((available > 9000 ? 6656 : 1024))
}

# With checkers, each access takes many times as long.
has_checkers() { kernel_known "$kernel" checkers; }

# Two nodes of memory, each with a CPU; the second is small, so as to be used up.
SECOND_NODE_MB=256
nodes() {
	local arg
	for arg in -object "memory-backend-ram,id=m0,size=$(($1 - SECOND_NODE_MB))M" \
		-object "memory-backend-ram,id=m1,size=${SECOND_NODE_MB}M" \
		-numa node,nodeid=0,memdev=m0,cpus=0 -numa node,nodeid=1,memdev=m1,cpus=1; do
		printf '%s\n' --qemu "$arg"
	done
}

# Two devices that do DMA. An IOMMU comes first, so as to be in front of them.
devices() {
	[[ -z $iommu ]] || printf '%s\n' --append "intel_iommu=on iommu.strict=1" \
		--qemu -device --qemu intel-iommu
	for _ in 1 2; do
		printf '%s\n' --qemu -device --qemu edu,dma_mask=0xffffffffffffffff
	done
}

arch_set "$kernel"
log_dir
# All of them, with three other guests on two CPUs, take three quarters of an hour.
limit=2400
(($#)) || limit=5400
if has_checkers; then
	mem=${mem:-1536} limit=7200
	(($#)) || limit=28800
fi
mem=${mem:-$(memory)}
mapfile -t nodes < <(nodes "$mem")
mapfile -t devices < <(devices)
logs=$LABYRINTH_LOGS/$title$iommu-$kernel
mkdir -p "$logs"
truncate -s 0 "$logs/output.log" "$logs/console.log"
status=0 failed=0
"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --mem "$mem" --timeout "$limit" --log "$logs" \
	"${nodes[@]}" "${devices[@]}" --wire --append page_owner=on \
	--add "$LAB_ROOT/Documentation/transitions.txt" --add "$LAB_ROOT/Documentation/usage.rst" --add "$LAB_ROOT/Documentation/symptoms.rst" \
	"${vm[@]}" -- \
	scripts/vm/selftests.sh "$@" >&2 || status=$?
judge
((failed == 0)) || say "the logs of the guest are in $logs"
exit "$failed"
