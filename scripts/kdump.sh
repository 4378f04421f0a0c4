#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/kdump.sh [option...] [-- command [argument...]]
# Boots a stock Debian kernel in qemu, with memory set aside for a second one, and loads
# Labyrinth, and labyrinth_vmcore, whose owners have sealed and ordinary pages. Runs the
# command, if there is one, in the guest's folder (see vm.sh), and has the kernel panic. The
# second kernel saves the first one's memory. Then looks what the dump has of the pages, and
# what makedumpfile leaves of them, at its lowest and highest level. A result for each.
#   --kernel KERNEL as for vm.sh
#   --out DIR       where the dump goes: vmcore (ELF), level-0 and level-31 (what makedumpfile
#                   has left), pages (a line each: frame number, address, name), and the
#                   kernel's log. Default: the folder of logs, without the dumps, which are large
#   --mem MB        the guest's memory, default 512
#   --vm ARG        one more argument for vm.sh; may be repeated

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

# What the second kernel needs to run in, and to unpack itself.
SECOND_MB=192

kernel=$KERNEL_DEFAULT out='' mem=512
vm=()
options "kernel=kernel:boot out=out mem=count vm+=text" "$@"
[[ ${args[0]:---} == -- ]] || die "unknown argument '${args[0]}': a command comes after -- (see --help)"
command=("${args[@]:1}")

# Where the pages of each kind must be: in vmcore, and in what makedumpfile has left. At every
# level it leaves out what has the page type PageOffline, as pages have while nobody borrows them.
EXPECTED="sealed held:there:excluded
sealed cached:there:excluded
sealed strayed:there:excluded
sealed lent:there:there
plain held:there:excluded
plain cached:there:excluded
plain lent:there:there
the kernel's:there:there"

boot() {
	local status=0
	truncate -s $((mem + 64))M "$dir/vmcore"
	"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --mem "$mem" --log "$logs" --timeout 600 \
		--append "crashkernel=${SECOND_MB}M" --stock nvme \
		--qemu -drive --qemu "file=$dir/vmcore,format=raw,if=none,id=dump,cache=unsafe" \
		--qemu -device --qemu nvme,drive=dump,serial=dump \
		--add "$vmlinuz" "${vm[@]}" -- scripts/vm/kdump.sh "${command[@]}" >&2 || status=$?
	size=$(sed -n 's/^kdump: vmcore has \([0-9]*\) bytes.*/\1/p' "$logs/output.log")
	((status == 0)) && [[ -n $size ]]
}

# A line for each page that the module has filled: frame number, address, name.
list_pages() {
	sed -nE "s/.*labyrinth_vmcore: page (.*) pfn (0x[0-9a-f]+) address (0x[0-9a-f]+).*/\2 \3 \1/p" \
		"$logs/console.log" >"$logs/pages"
	[[ $(wc -l <"$logs/pages") == $(wc -l <<<"$EXPECTED") ]]
}

filter() {
	local level
	for level in 0 31; do
		makedumpfile -d "$level" "$dir/vmcore" "$dir/level-$level" || return
	done
}

# place_of PAGE: its frame number and its owner's address.
place_of() {
	awk -v name="$1" '{ place = $1 " " $2; sub(/^[^ ]+ [^ ]+ /, "") } $0 == name { print place }' "$logs/pages"
}

# state_in FILE PAGE [address]: there, excluded, or what else stands in its place.
state_in() {
	local pfn address state
	read -r pfn address < <(place_of "$2")
	[[ -z ${3:-} ]] || pfn=@$address
	# Not the first python3 that there is: drgn is Debian's.
	state=$(/usr/bin/python3 "$LAB_SCRIPTS/vmcore.py" "$dir/$1" "$pfn")
	[[ $state != "$2" ]] || state=there
	echo "$state"
}

# judge_page FILE PAGE STATE [address]
judge_page() {
	local state by=${4:+by its owner\'s address, }
	state=$(state_in "$1" "$2" "${@:4}")
	if [[ $state == "$3" ]]; then
		result pass "$title: $1: ${by}the page '$2' is $3"
	else
		result fail "$title: $1: ${by}the page '$2' is $state, not $3"
		failed=1
	fi
}

judge() {
	local name whole left
	while IFS=: read -r name whole left; do
		judge_page vmcore "$name" "$whole"
		judge_page vmcore "$name" "$whole" address
		judge_page level-0 "$name" "$left"
		judge_page level-31 "$name" "$left"
	done <<<"$EXPECTED"
}

arch_set "$kernel"
[[ $ARCH == amd64 ]] || die "kernel $kernel: pages are sealed on amd64 only"
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build vm kdump
title="kdump $kernel"
logs=${out:-$LABYRINTH_LOGS/kdump-$kernel}
mkdir -p "$logs"
dir=$out
if [[ -z $out ]]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
fi
image=$("$LAB_SCRIPTS/kernel.sh" image "$kernel")
vmlinuz=$image/boot/vmlinuz-$(cat "$image/release")
[[ -e $vmlinuz ]] || vmlinuz=$image/lib/modules/$(cat "$image/release")/vmlinuz
[[ -e $vmlinuz ]] || die "kernel $kernel has no boot image for a second kernel"
size='' failed=0
result_of "$title: the second kernel saves the first one's memory" boot
truncate -s "$size" "$dir/vmcore"
result_of "$title: the log says which page is which" list_pages
run_logged "what makedumpfile leaves of it" "$logs/makedumpfile.log" filter ||
	{ result fail "$title: makedumpfile"; exit 1; }
judge
say "the dump is in $dir, the logs are in $logs"
exit "$failed"
