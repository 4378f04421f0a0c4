#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/torture.sh [option...] [parameter=value...]
# Runs labyrinth_torture in a virtual machine: every call, right and wrong, at
# random, from threads, softirqs, hard interrupts and NMIs on every CPU at once,
# beside a model that knows what each must give. Prints what was done and a verdict.
# The parameters are the module's (modinfo labyrinth_torture), as in irq_us=20, and
#   scribble=1    beside it labyrinth_scribbler writes to every word of struct page of the
#                 pages in play, and calls what frees or links pages: all must go on as if
#                 it did not. Its own parameters have "scribbler." in front, as in
#                 scribbler.batch=8 (modinfo labyrinth_scribbler).
#   sealed=1      beside it labyrinth_strayer has sealed owners at work, from whose pages and to
#                 whose pages accesses stray, in the middle of calls; and quarantine=256. Its own
#                 parameters have "strayer." in front (modinfo labyrinth_strayer).
#   scribble=2    cached pages are wrecked as well, and must be given up: nobody gets them
# Options:
#   --kernel K    any that vm.sh takes, default its first
#   --uml         User-Mode Linux instead: natively, on real CPUs, without NMIs
#   --checked     with --uml: on a kernel with KASAN and lockdep (tests/torture/checked.config)
#   --ops N       steps of the threads, default 2000000; interrupts' come on top
#   --seed S      what all choices follow from; default: a random one
#   --smp N       CPUs, default 2
#   --mem MB      default 1024
#   --timeout S   default: by the number of steps

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT uml='' checked='' ops=2000000 seed=0 smp=2 mem=1024 timeout=''
options "kernel=kernel:boot uml checked ops=count seed=number smp=count mem=count timeout=count" "$@"
set -- "${args[@]}"
[[ -z $checked || -n $uml ]] || die "--checked is for --uml (see --help)"
[[ -z $uml ]] || kernel=uml-$(kernels uml)${checked:+-checked}
config=(${checked:+--config "$LAB_ROOT/tests/torture/checked.config"})
# A thousand steps a second at the least, on a debug kernel and a loaded machine; and
# the short runs after the long one, the checkers' questions, the boot.
limit=${timeout:-$((900 + ops / 1000))}

run() {
	local test=(env "LIMIT=$limit" sh scripts/vm/selftests.sh
		"tests/selftests/torture.sh seed=$seed ops=$ops $*")
	if [[ -n $uml ]]; then
		"$LAB_SCRIPTS/uml.sh" "${config[@]}" --cpus "$smp" --mem "$mem" \
			--timeout "$limit" --log "$logs" -- "${test[@]}"
	else
		"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --smp "$smp" --mem "$mem" --timeout "$limit" \
			--log "$logs" -- "${test[@]}"
	fi
}

progress() { grep --line-buffered -o 'scribbled: .*' >&2 || true; }

# A module ignores a parameter that it does not have.
check_parameters() {
	local word source
	for word; do
		case $word in
		scribble=[012] | sealed=[01]) continue ;;
		*=*) ;;
		*) die "unknown argument '$word' (see --help)" ;;
		esac
		case $word in
		scribbler.*=*) source=scribble.c ;;
		strayer.*=*) source=strayer.c ;;
		*) source=main.c ;;
		esac
		word=${word%%=*}
		grep -qE "^module_param(_named)?\(${word#*.}," "$LAB_ROOT/tests/torture/$source" ||
			die "there is no parameter '$word', or not that value (see --help)"
	done
}

# One result per property, and what the run has done.
judge() {
	judge_guest result "torture $kernel" "$logs" || failed=1
	((status == 0 || failed)) || fail "the run ended with status $status"
	# The guest may have died of what the model had told before.
	grep -ah -A 1 'labyrinth_torture: violation' "$logs/console.log" >&2 || true
	sed -n 's/^ *# \(torture\|strayer\): //p' "$logs/output.log"
}

fail() {
	result fail "torture $kernel: $1"
	failed=1
}

check_parameters "$@"
log_dir
logs=$LABYRINTH_LOGS/torture-$kernel
mkdir -p "$logs"
truncate -s 0 "$logs/output.log" "$logs/console.log"
status=0 failed=0
# What is shown is how far it is, now and then.
run "$@" 2>&1 | tee "$logs/run.log" | progress || status=$?
judge
((failed == 0)) || say "the logs are in $logs"
exit "$failed"
