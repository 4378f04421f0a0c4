#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/demo.sh [option of vm.sh...]
# Boots the kernel that Debian ships in a virtual machine and shows live what the guest
# prints: four bugs, each without Labyrinth and with it; a key that a module looks for in all
# of memory, in an ordinary page and in a sealed one; a network card whose driver errs in
# the middle of a stream; then a driver with pages on every CPU, and a module whose attempts
# on one of them are all refused; what it costs; a leak of Intel's e1000e as it is shipped,
# found by labyrinth_watch. In colours on a terminal, unless NO_COLOR is set.
# Usage: scripts/demo.sh --check
# Runs it, and fails where it does, or where a scene is longer than a screen (24 lines of 80
# columns), or a pipe gets colours.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# The guest's lines of the demo, without the mark that vm.sh puts in front.
shown() { sed -n 's/^guest| //p' "$LABYRINTH_LOGS/demo.log"; }

# too_long: what does not fit on a screen. A scene begins with "===".
too_long() {
	shown | awk '
		function scene() { if (lines > 24) print lines " lines: " title }
		/^===/ { scene(); lines = 0; title = $0 }
		{ lines++ }
		length > 80 { print length " columns: " $0 }
		END { scene() }'
}

check() {
	local found
	run_logged "the demo" "$LABYRINTH_LOGS/demo.log" "$LAB_SCRIPTS/demo.sh"
	found=$(too_long)
	[[ -z $found ]] || { say "$found"; return 1; }
	! shown | grep -q $'\033' || { say "there are colours in a pipe"; return 1; }
	[[ $(shown | grep -c '^=== demo: passed: ') == 1 ]] || { say "there is no verdict"; return 1; }
	say "    $(shown | grep -c '^===') scenes, each on a screen; $(shown | grep '^=== demo:')"
}

[[ ${1:-} != --help ]] || { usage; exit; }
if [[ ${1:-} == --check ]]; then
	no_arguments "${@:2}"
	log_dir
	result_of "demo" check
	exit
fi
[[ " $* " != *' -- '* ]] || die "unknown argument '--': the command is the demo (see --help)"
colour=''
[[ ! -t 1 || -n ${NO_COLOR:-} ]] || colour=colour
# Two of the cards, one wired to the other. A kernel of the user's own may lack the driver.
cards=(--stock e1000e)
for n in 0 1; do
	cards+=(--qemu -netdev --qemu "hubport,id=card$n,hubid=1")
	cards+=(--qemu -device --qemu "e1000e,netdev=card$n,mac=52:54:00:00:01:0$n")
done
case " $* " in
*-arm64* | *' --vmlinuz'* | *' --deb'* | *' --kdir'*) cards=() ;;
esac
exec "$LAB_SCRIPTS/vm.sh" "${cards[@]}" --device edu,dma_mask=0xffffffff --wire \
	--add "$LAB_ROOT/README.md" "$@" -- scripts/vm/demo.sh $colour
