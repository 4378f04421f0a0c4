#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/watch.sh [--kernel KERNEL]
# labyrinth_watch beside a driver as it is shipped: a virtual machine with two virtio cards,
# one wired to the other, and the stock virtio_net (tests/selftests/watch_virtio.sh). Newer
# kernels' virtio_net has its pages from a page_pool; on older ones the test is skipped.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT
options 'kernel=kernel:boot' "$@"
no_arguments "${args[@]}"

vm=(--stock virtio_net)
for card in 0 1; do
	vm+=(--qemu -netdev --qemu "hubport,id=virtio$card,hubid=1")
	vm+=(--qemu -device --qemu "virtio-net-pci,netdev=virtio$card,mac=52:54:00:00:01:0$card")
done
vm_args=()
for arg in "${vm[@]}"; do
	vm_args+=(--vm "$arg")
done
exec "$LAB_SCRIPTS/selftest.sh" --kernel "$kernel" --title watch --mem 1024 "${vm_args[@]}" \
	tests/selftests/watch_virtio.sh
