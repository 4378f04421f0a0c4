#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/demo.sh [option of vm.sh...]
# Boots the kernel that Debian ships in a virtual machine and shows live what the guest
# prints: three bugs, each without Labyrinth and with it; a key that a module looks for in all
# of memory, in an ordinary page and in a sealed one; then a driver with pages on every CPU,
# and a module whose attempts on one of them are all refused. In colours on a terminal,
# unless NO_COLOR is set.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[[ ${1:-} != --help ]] || { usage; exit; }
[[ " $* " != *' -- '* ]] || die "unknown argument '--': the command is the demo (see --help)"
colour=''
[[ ! -t 1 || -n ${NO_COLOR:-} ]] || colour=colour
exec "$LAB_SCRIPTS/vm.sh" "$@" -- scripts/vm/demo.sh $colour
