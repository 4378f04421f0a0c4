# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by every script here: where things are, how progress and results are
# told, and the lock that lets several runs share one cache.

set -euo pipefail
export LC_ALL=C
# When make has started us, what it was told is not for the kernel's build.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL MAKEFILES
unset ARCH CROSS_COMPILE LLVM KCFLAGS KBUILD_OUTPUT O M W C

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LAB_SCRIPTS=$LAB_ROOT/scripts
# A job started by a daemon may have no HOME.
LABYRINTH_CACHE=${LABYRINTH_CACHE:-${XDG_CACHE_HOME:-${HOME:-$(getent passwd "$EUID" | cut -d: -f6)}/.cache}/labyrinth}
export LABYRINTH_CACHE

# Everything said goes to stderr: the stdout of a helper is its answer.
say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# The comment at the top of a script is its manual.
usage() { sed -n '/^# Usage:/,/^$/{s/^# \{0,1\}//;p}' "$0"; }

# check_value OPTION KIND VALUE: the script ends if it is not of that kind.
check_value() {
	case $2 in
	number) [[ $3 =~ ^(0|[1-9][0-9]{0,19})$ ]] || die "$1 $3: not a number (see --help)" ;;
	count) [[ $3 =~ ^[1-9][0-9]{0,17}$ ]] || die "$1 $3: not a number above 0 (see --help)" ;;
	file) [[ -f $3 && -r $3 ]] || die "$1 $3: there is no such file" ;;
	dir) [[ -d $3 ]] || die "$1 $3: there is no such folder" ;;
	driver) [[ -f $3/Kbuild || -f $3/Makefile ]] || die "$1 $3: no folder that has a Kbuild or a Makefile" ;;
	out)
		mkdir -p -- "$3" 2>/dev/null || die "$1 $3: this folder cannot be made"
		[[ -w $3 ]] || die "$1 $3: this folder cannot be written to"
		;;
	kernel*) kernel_need "$3" "$(cut -s -d : -f 2 <<<"$2")" ;;
	text) ;;
	esac
}

# options SPEC ARGUMENT...: a script's options into the variables of their names, and what
# follows them into "args". SPEC has a word for each option: "name", which sets the variable
# to 1; "name=KIND", which wants a value of that kind (see check_value; kernel:USE is a kernel
# that has the use); "name+=KIND", which adds to an array.
options() {
	local spec=" ${1//[[:space:]]/ } " kind
	shift
	while [[ ${1:-} == -* && $1 != -- ]]; do
		[[ $1 != --help ]] || { usage; exit; }
		[[ $1 =~ ^--([a-z][a-z0-9]*)$ && $spec =~ " ${1#--}"(\+?)(=([^ ]*))?" " ]] ||
			die "unknown option '$1' (see --help)"
		kind=${BASH_REMATCH[3]}
		if [[ -z $kind ]]; then
			printf -v "${1#--}" 1
			shift
			continue
		fi
		(($# > 1)) || die "$1 wants a value (see --help)"
		check_value "$1" "$kind" "$2"
		if [[ $spec == *" ${1#--}+="* ]]; then
			local -n many=${1#--}
			many+=("$2")
		else
			printf -v "${1#--}" %s "$2"
		fi
		shift 2
	done
	# shellcheck disable=SC2034 # used where this is sourced
	args=("$@")
}

# For a script whose options are all that it takes.
no_arguments() { (($# == 0)) || die "unknown argument '$1' (see --help)"; }

# tests_exist TEST...: a test is named by its place in the checkout, and may have
# arguments in the same word.
tests_exist() {
	local test
	for test; do
		[[ -f $LAB_ROOT/${test%% *} ]] || die "there is no test '$test' (see --help)"
	done
}

# An interrupt ends the whole run. Without this, bash goes on when what it was
# waiting for has handled the interrupt and ended in good order.
interrupted() { exit 130; }
trap interrupted INT

case $LABYRINTH_CACHE in
*[[:space:]:]*) die "LABYRINTH_CACHE=$LABYRINTH_CACHE: kbuild takes no path with blanks or colons" ;;
/*) ;;
*) LABYRINTH_CACHE=$PWD/$LABYRINTH_CACHE ;;
esac

# cache_dir NAME...: folders in the cache, made if they are not there.
cache_dir() {
	local why
	why=$(mkdir -p "${@/#/$LABYRINTH_CACHE/}" 2>&1) ||
		die "LABYRINTH_CACHE=$LABYRINTH_CACHE: cannot be written to:" "$(head -n 1 <<<"$why")"
	[[ -w $LABYRINTH_CACHE/$1 ]] || die "LABYRINTH_CACHE=$LABYRINTH_CACHE: user $(id -un) may not write to it"
}

# One folder of logs per run; the scripts that a run starts share it.
log_dir() {
	local top=$LABYRINTH_CACHE/log
	if [[ -z ${LABYRINTH_LOGS:-} ]]; then
		cache_dir log build uml
		# What no run has touched for a month goes, or they would grow
		# without end: a build folder is touched by each run that uses it.
		find "$LABYRINTH_CACHE"/{log,build,uml} -mindepth 1 -maxdepth 1 -mtime +30 \
			-exec rm -rf {} +
		LABYRINTH_LOGS=$(mktemp -d "$top/$(date +%Y%m%d-%H%M%S)-XXXX")
		export LABYRINTH_LOGS
	fi
}

# take_lock NAME: held until this script and all that it started have ended, so
# that nobody enters while an orphan of a killed run is still writing.
take_lock() {
	local fd
	cache_dir lock
	exec {fd}>"$LABYRINTH_CACHE/lock/$1"
	flock -n "$fd" && return
	say "waiting for another run to finish with $1"
	flock "$fd"
}

# In the background while something long runs: a sign of life every so often. By
# the second, so as not to outlive the script by much should it be killed.
heartbeat() {
	local title=$1 every=${2:-10} start=$SECONDS pause='' elapsed
	trap '[[ -z $pause ]] || kill "$pause" 2>/dev/null; exit 0' TERM
	while kill -0 $$ 2>/dev/null; do
		sleep 1 &
		pause=$!
		wait "$pause"
		elapsed=$((SECONDS - start))
		if ((elapsed >= every && elapsed % every == 0)); then
			say "    $title: $elapsed s"
		fi
	done
}

heartbeat_stop() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

show_tail() {
	say "--- the end of $1"
	tail -n "${2:-30}" "$1" | sed 's/^/    /' >&2 || true
	say "---"
}

# run_logged TITLE LOG COMMAND...: the output to the log, progress to the user,
# the end of the log as well if the command fails.
run_logged() {
	local title=$1 log=$2 start=$SECONDS status=0 beat
	shift 2
	say "$title"
	heartbeat "$title" &
	beat=$!
	"$@" >"$log" 2>&1 </dev/null || status=$?
	heartbeat_stop "$beat"
	if ((status == 0)); then
		say "    $title: done in $((SECONDS - start)) s"
	else
		say "    $title: failed after $((SECONDS - start)) s"
		show_tail "$log"
	fi
	return "$status"
}

# result pass|fail|skip NAME: one line for the summary that check.sh prints.
# record_result does the same in silence, for what has been shown live.
result() {
	printf '    %s %s\n' "${1^^}" "$2" >&2
	record_result "$@"
}

record_result() {
	if [[ -n ${LABYRINTH_RESULTS:-} ]]; then
		printf '%s\t%s\n' "$1" "$2" >>"$LABYRINTH_RESULTS"
	fi
}

# result_of NAME COMMAND...: passes if the command does.
result_of() {
	local name=$1
	shift
	if "$@"; then
		result pass "$name"
	else
		result fail "$name"
		return 1
	fi
}

# results_count [pass|fail|skip]: so far; without an argument: all of them.
results_count() { grep -c "^${1:-}" "$LABYRINTH_RESULTS" || true; }

# run_suite NAME COMMAND...: its results go to LABYRINTH_RESULTS. A suite that
# breaks off, or that has tested nothing, is a failure as well.
run_suite() {
	local name=$1 results fails status=0
	shift
	results=$(results_count)
	fails=$(results_count fail)
	"$@" || status=$?
	if (($(results_count) == results)); then
		result fail "$name: nothing has been tested"
	elif ((status != 0 && $(results_count fail) == fails)); then
		result fail "$name: ended with status $status"
	fi
}

# judge_ktap RECORD TITLE LOG: what the tests in LOG said, each recorded by RECORD (result, or
# record_result to be quiet). Fails if one has failed, or if there is none.
judge_ktap() {
	local record=$1 title=$2 log=$3 state name total=0 bad=0
	while IFS=$'\t' read -r state name; do
		total=$((total + 1))
		"$record" "$state" "$title: $name"
		[[ $state == fail ]] || continue
		bad=1
		[[ $record != record_result ]] || printf '    FAIL %s: %s\n' "$title" "$name" >&2
	done < <(awk -f "$LAB_SCRIPTS/ktap.awk" "$log")
	if ((total == 0)); then
		result fail "$title: no test has run"
		bad=1
	fi
	return "$bad"
}

# judge_guest RECORD TITLE LOGS: what a guest's tests said, as judge_ktap. Fails also if its
# kernel has complained.
judge_guest() {
	local title=$2 logs=$3 bad=0
	judge_ktap "$1" "$title" "$logs/output.log" || bad=1
	if ! "$LAB_SCRIPTS/scan-log.sh" "$logs/console.log" >&2; then
		result fail "$title: the kernel complained on its console"
		bad=1
	fi
	return "$bad"
}

# config_has FRAGMENT CONFIG: says what of a fragment a kernel's configuration has not, and fails
# then. What it leaves out for want of something else would be missed late.
config_has() {
	local missing
	missing=$(grep '^CONFIG' "$1" | grep -vxFf "$2") || return 0
	say "not to be had together with the rest:" "$missing"
	return 1
}

# The sources that kbuild reads, as paths below the top of the tree.
list_sources() {
	(cd "$1" && find . -name .git -prune -o -type f \
		\( -name '*.[chS]' -o -name Kbuild -o -name 'Kconfig*' -o -name .kunitconfig \) \
		! -name '*.mod.c' ! -name '.*.c' -printf '%P\n' | sort)
}

# Those of labyrinth.ko itself.
list_module_sources() { list_sources "$1" | grep '\.[chS]$' | grep -Ev '^(samples|tests)/'; }

# sync_sources DIR: make DIR hold our sources and no others. Compared by content
# and not by time, or a switch to an older commit would go unnoticed; and what is
# the same is not touched, so that only what changed is compiled.
sync_sources() {
	local dest=$1 f
	mkdir -p "$dest"
	comm -13 <(list_sources "$LAB_ROOT") <(list_sources "$dest") |
		while IFS= read -r f; do rm -f "$dest/$f"; done
	list_sources "$LAB_ROOT" | while IFS= read -r f; do
		cmp -s "$LAB_ROOT/$f" "$dest/$f" && continue
		mkdir -p "$dest/$(dirname "$f")"
		cp "$LAB_ROOT/$f" "$dest/$f"
	done
}

# link_tree SOURCE TREE PATH...: the kernel's tree made of links, so that the source stays as
# Debian ships it and costs no second copy. Each PATH is a copy, and the way down to it no link.
link_tree() {
	local source=$1 tree=$2 path
	link_entries "$source" "$tree"
	for path in "${@:3}"; do
		open_way "$source" "$tree" "$(dirname "$path")"
		rm "$tree/$path"
		cp -r "$source/$path" "$tree/$path"
	done
}

# link_entries FROM TO: a link in TO for each entry of FROM.
link_entries() {
	mkdir -p "$2"
	find "$1" -mindepth 1 -maxdepth 1 -exec ln -s -t "$2" {} +
}

# open_way SOURCE TREE FOLDER: the folder and those above it are folders of links, not links.
open_way() {
	[[ $3 != . ]] || return 0
	open_way "$1" "$2" "$(dirname "$3")"
	[[ -L $2/$3 ]] || return 0
	rm "$2/$3"
	link_entries "$1/$3" "$2/$3"
}
