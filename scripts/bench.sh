#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/bench.sh [--icount|--tight|--native|--here|--check|--budget] [option...]
# Measures what a page costs from Labyrinth, page_pool, the page allocator and
# others, prints it as one table with ratios and draws it as SVG. Modes:
#   --icount   instructions, exactly: in qemu, on a stock kernel
#   --tight    of --icount, the unluckiest pages of a table with fewer slots than frames alone
#   --native   nanoseconds: in User-Mode Linux, as a process of this machine
#   --here     on the kernel that runs here: loads both modules into it (as root)
#   --check    a short --icount that fails where tests/bench/budget.txt is exceeded
#   --budget   the same, and writes that file anew
# Without a mode: --icount and --native. Options:
#   --kernel KERNEL     for --icount: as for vm.sh
#   --out DIR           where results, table and plots go (default: in the cache)
#   --with PARAMETERS   with --icount: of labyrinth.ko, "history=16" say; a short run
# With KDIR set, --here builds against that tree and not /lib/modules/.../build.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

BUDGET=$LAB_ROOT/tests/bench/budget.txt
# A million pages; the guest uses little of the memory that they would fill.
CROWD_MB=8704
# Slots for every frame that such a machine has.
CROWD_CAPACITY=2100000
# A table with fewer slots than the machine has frames: pages held below its capacity, and 115 %.
TIGHT_MB=1024
TIGHT_CAPACITY=115000
TIGHT_TAGS=100000,132250
# So many owners come and go together.
OWNERS=128
CROWD_TAGS=1000,10000,100000,1000000

kernel=$KERNEL_DEFAULT out='' with='' icount='' tight='' native='' here='' check='' budget=''
options "icount tight native here check budget kernel=kernel:boot out=out with=text" "$@"
no_arguments "${args[@]}"
read -ra modes <<<"${icount:+icount} ${tight:+tight} ${native:+native} ${here:+here} ${check:+check} ${budget:+budget}"
((${#modes[@]} < 2)) || die "more than one mode: ${modes[*]} (see --help)"
mode=${modes[0]:-all}

# collect WHERE LOG: the results in LOG as lines of a table, the rest as it is.
collect() {
	grep -qx 'done' "$2" || die "the benchmark did not come to its end, see $2"
	awk -v where="$1" -v OFS='\t' '
		{ gsub(/(cpus|tags|ops|count|ns|capacity|bytes)=/, "") }
		where ~ /tight$/ && $2 !~ /lucki|^read$/ { next }
		$1 == "result" { print where, $2, $3, $4, $5, $6, $7, $8 }
		$1 == "memory" { print where, "memory", "module", 1, 0, $2, $3, 0 }' \
		"$2" >>"$out/results.tsv"
	sed -n "s/^where /$1 /p" "$2" >>"$out/where.txt"
}

# Whether a guest of that size can be had; qemu asks for it all at once.
have_room() {
	(($(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo) > CROWD_MB))
}

# boot_icount WHERE APPEND MEM LABYRINTH-PARAMETERS BENCH-PARAMETERS
boot_icount() {
	local logs=$LABYRINTH_LOGS/bench-$1
	mkdir -p "$logs"
	run_logged "counting instructions, kernel $kernel, $2" "$logs/vm.log" \
		"$LAB_SCRIPTS/vm.sh" --icount --kernel "$kernel" --mem "$3" --append "$2" \
		--modules "$modules" --log "$logs" -- scripts/vm/bench.sh "$4" "$5" quiet || die "the guest failed"
	collect "$1" "$logs/output.log"
}

build_modules() {
	modules=$scratch/modules
	"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$modules" ||
		die "the modules do not build"
	compiler=$(readelf -p .comment "$modules/tests/bench/labyrinth_bench.ko" |
		sed -n 's/.*\(GCC: .*\)/\1/p' | head -n 1)
	echo "icount compiler: $compiler" >>"$out/where.txt"
}

run_icount() {
	build_modules
	if [[ -n $with ]]; then
		boot_icount icount init_on_alloc=0 2048 "capacity=400000 $with" ""
		return
	fi
	if have_room; then
		boot_icount icount init_on_alloc=0 "$CROWD_MB" "capacity=$CROWD_CAPACITY" "tags=$CROWD_TAGS owners=$OWNERS"
	else
		say "less than $CROWD_MB MB of memory here: no million tags"
		boot_icount icount init_on_alloc=0 512 "" "tags=1000,10000 owners=$OWNERS"
	fi
	boot_icount icount-init init_on_alloc=1 512 "" ""
	run_tight
}

run_tight() {
	[[ -n ${modules:-} ]] || build_modules
	boot_icount icount-tight init_on_alloc=0 "$TIGHT_MB" "capacity=$TIGHT_CAPACITY" "tags=$TIGHT_TAGS"
}

print_machine() {
	local file
	echo "native CPU of this machine: $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $(nproc) of them"
	for file in /sys/devices/system/cpu/vulnerabilities/*; do
		[[ ! -r $file ]] || echo "native mitigation: $(basename "$file"): $(<"$file")"
	done
}

run_native() {
	local log=$LABYRINTH_LOGS/bench-native.log mem=1024 params='tags=1000,10000' capacity=''
	if have_room; then
		mem=$CROWD_MB capacity="capacity=$CROWD_CAPACITY" params="tags=$CROWD_TAGS"
	fi
	"$LAB_SCRIPTS/uml.sh" --cpus 4 --mem "$mem" -- sh scripts/vm/bench.sh "$capacity" \
		"ops=4096 rounds=200 cpus=4 $params" quiet >"$log" || die "the run did not come to its end"
	collect native "$log"
	print_machine >>"$out/where.txt"
}

# A refusal says what is missing, before anything is built.
may_run_here() {
	((EUID == 0)) || die "--here loads modules: only root may"
	kdir=${KDIR:-/lib/modules/$(uname -r)/build}
	[[ -e $kdir/Makefile ]] ||
		die "no build tree at $kdir: install the headers of the running kernel (Debian: linux-headers-$(uname -r))"
	[[ ! -e /sys/module/labyrinth ]] || die "labyrinth is loaded: unload it first"
}

build_here() {
	sync_sources "$1"
	run_logged "building for the running kernel" "$LABYRINTH_LOGS/bench-here.log" \
		make --no-print-directory -C "$kdir" M="$1" -j"$(nproc)" CONFIG_LABYRINTH=m \
		CONFIG_LABYRINTH_BENCH=m modules || die "the modules do not build"
}

# Short windows: interrupts are off in them.
run_here() {
	local cpus=1 log=$LABYRINTH_LOGS/bench-here-run.log work
	may_run_here
	work=$LABYRINTH_CACHE/build/here-$(sha256sum <<<"$LAB_ROOT$kdir" | cut -c 1-8)
	take_lock "$(basename "$work")"
	build_here "$work"
	while ((cpus < 4 && cpus * 2 <= $(nproc))); do
		cpus=$((cpus * 2))
	done
	run_logged "running on this machine's own kernel" "$log" env -C "$work" sh \
		"$LAB_SCRIPTS/vm/bench.sh" "" "ops=1024 rounds=200 cpus=$cpus tags=1000,10000" ||
		die "the modules do not load or the benchmark failed"
	collect here "$log"
}

# The table is large, so that the few pages here find their slots free.
run_short() {
	build_modules
	boot_icount icount init_on_alloc=0 2048 capacity=400000 "owners=$OWNERS"
	run_tight
}

report() { /usr/bin/python3 "$LAB_SCRIPTS/bench-report.py" "$@" "$out"; }

# One line of results per gate.
judge() {
	local gates state name status=0
	gates=$(report --gates "$BUDGET") || die "the results cannot be read"
	while IFS=$'\t' read -r state name; do
		result "$state" "bench: $name"
		[[ $state == pass ]] || status=1
	done <<<"$gates"
	return "$status"
}

layout() {
	"$LAB_SCRIPTS/bench-layout.sh" "$modules/labyrinth.ko" "$modules/tests/bench/labyrinth_bench.ko"
}

write_budget() {
	report --write-budget "$BUDGET" "$compiler" "$(sed -n 's/^icount kernel: //p' "$out/where.txt")"
	say "written: $BUDGET"
}

# in_mode MODE...: whether it is one of them.
in_mode() { [[ " $* " == *" $mode "* ]]; }

prepare() {
	# The user's own machine need not be Debian.
	log_dir
	in_mode here || "$LAB_SCRIPTS/deps.sh" fetch build vm kunit
	out=${out:-$LABYRINTH_CACHE/bench}
	mkdir -p "$out"
	rm -f "$out"/{results.tsv,where.txt,table.txt,*.svg}
	: >"$out/results.tsv"
	: >"$out/where.txt"
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
}

show() {
	report --table | tee "$out/table.txt"
	report --plots
	say "results, table and plots are in $out"
}

! in_mode here || may_run_here
prepare
status=0
! in_mode icount all || run_icount
! in_mode tight || run_tight
! in_mode native all || run_native
! in_mode here || run_here
! in_mode check budget || run_short
! in_mode budget || write_budget
! in_mode check budget || judge || status=1
in_mode native here || layout || status=1
in_mode check budget || show
exit "$status"
