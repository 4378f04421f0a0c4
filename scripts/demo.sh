#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/demo.sh [option of vm.sh...]
# Boots the kernel that Debian ships in a virtual machine, loads Labyrinth and
# both samples, and shows live what the guest prints.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[[ ${1:-} != --help ]] || { usage; exit; }
[[ " $* " != *' -- '* ]] || die "unknown argument '--': the command is the demo (see --help)"
exec "$LAB_SCRIPTS/vm.sh" "$@" -- scripts/vm/demo.sh
