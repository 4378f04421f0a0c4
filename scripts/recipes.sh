#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/recipes.sh [--kernel KERNEL]
# The recipes of Documentation/usage.rst (tests/selftests/recipes.sh) in a virtual machine that
# has Debian 12's trace-cmd, perf and bpftrace, some 90 MB of packages.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT
options 'kernel=kernel:boot' "$@"
no_arguments "${args[@]}"

tools=$("$LAB_SCRIPTS/user-tools.sh" trace)
exec "$LAB_SCRIPTS/selftest.sh" --kernel "$kernel" --title recipes --mem 2048 \
	--vm --archive --vm "$tools" tests/selftests/recipes.sh
