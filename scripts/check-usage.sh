#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/check-usage.sh [script...]
# Whether each script has a manual, and refuses what it does not know: an option, an
# argument, a value, a missing one. It must end with a status other than 0, within
# seconds, and name what it refuses; and its cache must be as empty as before. Then what
# it says where it cannot go on: the cache cannot be written to, a package is missing and
# the user is not root, apt has no source of packages. A result for each script, and one for each of the cases at the end.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

# Long for a refusal, but the machine may be busy.
SECONDS_AT_MOST=20

# in_vain ENVIRONMENT... COMMAND...: runs it with no terminal and a cache of its own, and
# leaves what it says in "said" and its status in "ended".
in_vain() {
	ended=0
	said=$(env -C "$scratch" -u LABYRINTH_LOGS -u LABYRINTH_RESULTS "LABYRINTH_CACHE=$cache" \
		timeout -k 5 "$SECONDS_AT_MOST" env "$@" 2>&1 </dev/null) || ended=$?
}

wrong() {
	say "    $1 (status $ended):" "$(tail -n 3 <<<"$said")"
	bad=1
}

untouched() { [[ ! -e $cache ]]; }

# refuses WORDS ARGUMENT...: the words, a regex, are in what is said.
refuses() {
	local words=$1
	shift
	in_vain "$@"
	((ended != 0 && ended < 124)) || wrong "${*@Q} is not refused"
	grep -qE -- "$words" <<<"$said" || wrong "${*@Q} is refused without a word of $words"
	untouched || wrong "${*@Q} has done something first: $(find "$cache" | head -n 3 | xargs)"
	rm -rf "$cache"
}

# A value that no option of its kind takes, by the word that the manual has for it.
nonsense() {
	case $1 in
	KERNEL | K) echo nosuch ;;
	N | MB | S) echo 1x1 ;;
	FILE | DIR | LOG) echo /proc/nosuch ;;
	USE) echo nosuch ;;
	esac
}

# Its options that want a value, as its manual has them: a name and a word.
valued_options() { grep -oE -- '--[a-z]+ [A-Z]+\b' <<<"$manual" | sort -u; }

# What is mandatory is not in brackets.
wants_arguments() {
	head -n 1 <<<"$manual" | sed -E 's/^Usage: [^ ]+//; :a; s/\[[^][]*\]//g; ta' | grep '[^ ]' >/dev/null
}

refuses_values() {
	local option word value
	while read -r option word; do
		refuses "$option" "$script" "$option"
		value=$(nonsense "$word")
		[[ -z $value ]] || refuses "$value" "$script" "$option" "$value"
	done < <(valued_options)
}

check_script() {
	local script=$1 bad=0 manual said ended
	in_vain "$script" --help
	manual=$said
	((ended == 0)) || wrong "--help does not work"
	untouched || wrong "--help has done something"
	[[ $manual == "Usage: scripts/${script##*/}"* ]] || wrong "no manual"
	refuses '--bogus' "$script" --bogus
	refuses 'bogus-word' "$script" bogus-word
	! wants_arguments || refuses 'see --help' "$script"
	refuses_values
	((bad == 0))
}

# What a script is run with that goes on to work.
right_arguments() {
	case ${1##*/} in
	vm.sh | uml.sh) printf '%s\n' -- true ;;
	kernel.sh) printf '%s\n' headers "$KERNEL_DEFAULT" ;;
	debug-kernel.sh) printf '%s\n' image "$(kernels checkers | head -n 1)" ;;
	own-kernel.sh) printf '%s\n' --vmlinuz "$(type -P bash)" ;;
	user-tools.sh) printf '%s\n' trace ;;
	tools.sh) printf '%s\n' "$(kernels uml)" true ;;
	esac
}

# All that keep something there, directly or by what they run; deps.sh does only where a
# package is missing.
with_cache() { grep -lE 'log_dir|take_lock|LAB_SCRIPTS/(vm|kernel|uml)\.sh' "${all[@]}" |
		grep -vE '/(check-usage|deps)\.sh$'; }

# A folder in /proc nobody can make, nor root.
check_cache() {
	local script bad=0 said ended arguments
	for script in $(with_cache); do
		mapfile -t arguments < <(right_arguments "$script")
		refuses 'LABYRINTH_CACHE=/proc/nosuch' LABYRINTH_CACHE=/proc/nosuch "$script" "${arguments[@]}"
	done
	((bad == 0))
}

# takes SCRIPT ARGUMENT...: what is right is not refused; the cache then is.
takes() { refuses 'LABYRINTH_CACHE=/proc/nosuch' LABYRINTH_CACHE=/proc/nosuch "$LAB_SCRIPTS/$1" "${@:2}"; }

check_right_words() {
	local bad=0 said ended mistake
	mistake=$(sed -n 's/^\t\t\([A-Z_][A-Z_]*\)\t.*/\1/p' "$LAB_SCRIPTS/model.sh" | tail -n 1)
	takes model.sh --large single "$mistake"
	takes kunit.sh --cpus 2 --config "$LAB_ROOT/tests/kunit/smp.config" 'labyrinth_t*.tag_*'
	takes mutants.sh 07 guard
	takes fatal.sh "$(basename "$(find "$LAB_ROOT/tests/selftests/fatal" -name '*.sh' | head -n 1)")"
	takes selftest.sh --iommu --vm --append --vm quiet "tests/selftests/torture.sh seed=1 ops=1000"
	takes torture.sh --seed 18446744073709551615 irq_us=20 scribble=1 scribbler.batch=8
	takes torture.sh --calls 1000 --sums "$scratch/sums" sealed=1
	takes nic.sh --iommu traffic restart
	takes vm.sh --smp 1 --qemu -device --qemu edu --append quiet --log "$scratch/log" -- true --bogus
	takes lab vm --driver "$LAB_ROOT/samples/template" --script "$LAB_ROOT/tests/driver/try.sh" --load guard=off
	takes demo.sh --smp 1
	takes bench.sh --check --out "$scratch/out"
	((bad == 0))
}

# A user who is nobody, where there is neither sudo nor a package.
check_install() {
	local bad=0 said ended tool
	mkdir "$scratch/bin"
	for tool in bash basename dirname sed cut id awk sort head; do
		ln -s "$(type -P "$tool")" "$scratch/bin/"
	done
	refuses 'neither root nor sudo.*qemu' "PATH=$scratch/bin" \
		"$(type -P unshare)" --user "$LAB_SCRIPTS/deps.sh" vm
	((bad == 0))
}

# Where apt has no source, a mirror must be named: none is built in. What was started is
# a log of its own, in the cache.
check_mirror() {
	local bad=0 said ended
	printf 'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "/nonexistent";\n' >"$scratch/apt.conf"
	in_vain -u LABYRINTH_MIRROR "APT_CONFIG=$scratch/apt.conf" "$LAB_SCRIPTS/kernel.sh" headers "$KERNEL_DEFAULT"
	((ended == 1)) || wrong "no source of packages is no error"
	grep -q 'set LABYRINTH_MIRROR to the URL' <<<"$said" || wrong "no word of LABYRINTH_MIRROR"
	rm -rf "$cache"
	((bad == 0))
}

# What issues have been made of, and what no manual tells.
check_cases() {
	local bad=0 said ended
	refuses nosuch "$LAB_SCRIPTS/torture.sh" nosuch=1
	refuses nosuch "$LAB_SCRIPTS/torture.sh" scribbler.nosuch=1
	refuses 'scribble' "$LAB_SCRIPTS/torture.sh" scribble=3
	refuses 'wants --sums' "$LAB_SCRIPTS/torture.sh" --calls 1000
	refuses nosuch "$LAB_SCRIPTS/kernel.sh" headers nosuch
	refuses nosuch "$LAB_SCRIPTS/kernel.sh" nosuch "$KERNEL_DEFAULT"
	refuses 'not for this' "$LAB_SCRIPTS/vm.sh" --kernel "$(kernels refused)" -- true
	refuses 'two|bogus' "$LAB_SCRIPTS/kernel.sh" headers "$KERNEL_DEFAULT" bogus
	refuses 'no terminal' "$LAB_SCRIPTS/vm.sh" --driver "$LAB_ROOT/samples/template"
	refuses 'do not go together.*bogus' "$LAB_SCRIPTS/vm.sh" --driver "$LAB_ROOT/samples/template" -- bogus
	refuses 'for --driver' "$LAB_SCRIPTS/vm.sh" --script "$LAB_ROOT/tests/driver/try.sh" -- true
	refuses 'do not go together' "$LAB_SCRIPTS/vm.sh" --kernel "$KERNEL_DEFAULT" --vmlinuz "$(type -P bash)" -- true
	refuses 'needed' "$LAB_SCRIPTS/vm.sh" --kdir / -- true
	refuses nosuch "$LAB_SCRIPTS/lab" nosuch --help
	refuses bogus "$LAB_SCRIPTS/lab" style bogus
	((bad == 0))
}

# For this, there must be a kernel: in the cache that all others use.
check_stock() {
	local bad=0 said ended cache=$LABYRINTH_CACHE
	"$LAB_SCRIPTS/kernel.sh" image "$KERNEL_DEFAULT" >/dev/null || return
	in_vain "$LAB_SCRIPTS/vm.sh" --stock nosuch -- true
	((ended == 1)) || wrong "--stock nosuch is not refused"
	[[ $said == *"no module 'nosuch'"* && $said != *building* && $said != *booting* ]] ||
		wrong "--stock nosuch is found out late"
	((bad == 0))
}

mapfile -t all < <(find "$LAB_SCRIPTS" -maxdepth 1 -type f -perm -u+x \( -name '*.sh' -o -name lab \) | sort)
options '' "$@"
scripts=()
for word in "${args[@]}"; do
	[[ -x $LAB_SCRIPTS/$word ]] || die "there is no script '$word' (see --help)"
	scripts+=("$LAB_SCRIPTS/$word")
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cache=$scratch/cache
status=0
for script in "${scripts[@]:-${all[@]}}"; do
	result_of "usage: ${script##*/}" check_script "$script" || status=1
done
if ((${#scripts[@]} == 0)); then
	result_of "usage: a cache that cannot be written to" check_cache || status=1
	if unshare --user true 2>/dev/null; then
		result_of "usage: neither root nor sudo" check_install || status=1
	else
		result skip "usage: neither root nor sudo: this machine gives no user namespace"
	fi
	result_of "usage: no source of packages" check_mirror || status=1
	result_of "usage: right words" check_right_words || status=1
	result_of "usage: wrong words in right places" check_cases || status=1
	result_of "usage: a stock module that there is not" check_stock || status=1
fi
exit "$status"
