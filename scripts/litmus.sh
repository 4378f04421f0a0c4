#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/litmus.sh [--kernel K] [name...]
# Has herd7 find out what the kernel's memory model (tools/memory-model of the kernel's source)
# allows of the protocols in tests/litmus, or of those named. Each must give the result in its
# head, and so must its twins, which lack a barrier each (a line that ends in one of these, or in
# several, the further ones in lines of their own below):
#	// twin NAME			without the line: what was impossible must be possible
#	// twin NAME: STATEMENT		with STATEMENT in the line's place
#	// spare NAME ...		the same, and nothing must change: the barrier does not count here
# Each function() that a head names must be in one of the files that the head names.
# --kernel: the memory model of 6.1 (the default), or of 7.3.
# herd7 is HERD, or this machine's, or else Debian's of the suite forky, in the cache.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/apt.sh
. "$LAB_SCRIPTS/apt.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

kernel=6.1
options "kernel=kernel" "$@"
set -- "${args[@]}"
for name; do
	[[ -e $LAB_ROOT/tests/litmus/${name%.litmus}.litmus ]] || die "there is no test '$name' in tests/litmus"
done

# Debian 12 has no herd7; forky's wants forky's C library, whose own loader starts it. What
# fails ends the shell, in words: called in a condition, errexit does not count.
fetch_herd() {
	local dir=$LABYRINTH_CACHE/herd deb
	if [[ ! -e $dir/done ]]; then
		rm -rf "$dir"
		mkdir -p "$dir"
		apt_setup forky || exit
		APT_PACKAGES=(herdtools7 libc6 libgmp10)
		mapfile -t APT_PACKAGES < <(for deb in "${APT_PACKAGES[@]}"; do
			echo "$deb=$(apt_field "$deb" forky Version)"
		done)
		apt_download || exit
		for deb in "${APT_FILES[@]}"; do
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --exclude '*litmus*' || exit
		done
		# Its other tools are ten times as large.
		find "$dir/usr/bin" -type f ! -name herd7 -delete || exit
		touch "$dir/done"
	fi
}

use_fetched() {
	local dir=$1
	herd=("$dir"/usr/lib64/ld-linux-x86-64.so.2 --library-path
		"$dir/usr/lib/x86_64-linux-gnu" "$dir/usr/bin/herd7"
		-set-libdir "$dir/usr/share/herdtools7/herd")
}

find_herd() {
	if [[ -n ${HERD:-} ]]; then
		herd=("$HERD")
	elif command -v herd7 >/dev/null; then
		herd=(herd7)
	else
		(fetch_herd) || return
		use_fetched "$LABYRINTH_CACHE/herd"
	fi
}

# prepare NAME WANTED: a test of that name, which is read from the input. Looked at by judge().
tests=()
declare -A wanted
prepare() {
	tests+=("$1")
	wanted[$1]=$2
	sed "1s/.*/C $1/" >"$scratch/$1.litmus"
}

# said NAME: the part of herd7's words that is about that test.
said() {
	awk -v name="$1" '
		/^Test / { on = $2 == name }
		on || index($0, "/" name ".litmus\"")' "$log"
}

# judge NAME: what herd7 found out of it: "Never", "Sometimes" or "Always".
judge() {
	local name=$1 found
	found=$(sed -n "s/^Observation $name \([A-Z][a-z]*\) .*/\1/p" "$log")
	if [[ -n ${wanted[$name]} && $found == "${wanted[$name]}" ]]; then
		result pass "litmus: $name ($found)"
	else
		said "$name" >"$LABYRINTH_LOGS/litmus-$name.log"
		show_tail "$LABYRINTH_LOGS/litmus-$name.log"
		result fail "litmus: $name: expected ${wanted[$name]:-a result in its head}, found ${found:-nothing}"
		failed=1
	fi
}

# twins FILE: their marks, "twin NAME" or "spare NAME", each once.
twins() { grep -oE '// (twin|spare) [a-z0-9-]+' "$1" | cut -c4- | sort -u; }

# make_twin NAME FILE: FILE with the lines so marked dropped or replaced.
make_twin() {
	awk -v name="$1" '
	function put(line,	nr, i, parts) {
		nr = split(line, parts, " // ")
		for (i = 2; i <= nr; i++) {
			if (!match(parts[i], "^(twin|spare) " name "(: |$)"))
				continue
			if (RLENGTH < length(parts[i]))
				print "\t" substr(parts[i], RLENGTH + 1)
			return
		}
		print parts[1]
	}
	sub(/^\t+\/\/ /, " // ") { line = line $0; next }
	{ if (NR > 1) put(line); line = $0 }
	END { put(line) }' "$2"
}

# prepare_all NAME: the test and its twins.
prepare_all() {
	local name=$1 file=$LAB_ROOT/tests/litmus/$1.litmus kind twin result
	result=$(sed -n 's/^ \* Result: //p' "$file")
	prepare "$name" "$result" <"$file"
	while read -r kind twin; do
		prepare "$name+$twin" "$([[ $kind == spare ]] && echo Never || echo Sometimes)" \
			< <(make_twin "$twin" "$file")
	done < <(twins "$file")
}

# run_part N: every CPUS-th test, from the N-th on. A single run for them: to read the model takes
# longer than most tests.
run_part() {
	local i files=()
	for ((i = $1; i < ${#tests[@]}; i += cpus)); do
		files+=("$scratch/${tests[i]}.litmus")
	done
	((${#files[@]} == 0)) || (cd "$model" &&
		timeout 900 "${herd[@]}" -conf linux-kernel.cfg "${files[@]}") >"$log.$1" 2>&1 || true
}

# On each CPU a part of the tests.
run_herd() {
	local cpus part
	cpus=$(nproc)
	for ((part = 0; part < cpus; part++)); do
		: >"$log.$part"
		run_part "$part" &
	done
	wait
	cat "$log".* >"$log"
	rm "$log".*
}

# A protocol of functions that are no more proves nothing.
names_exist() {
	local name=$1 head function files
	head=$(sed '/^ \*)/q' "$LAB_ROOT/tests/litmus/$name.litmus")
	mapfile -t files < <(grep -oE '\<[a-z_/]+\.[chS]\>' <<<"$head")
	((${#files[@]})) || { result fail "litmus: $name names no file" && failed=1; }
	while read -r function; do
		(cd "$LAB_ROOT" && cat "${files[@]}") 2>&1 | grep -E "\<$function\(" >/dev/null && continue
		result fail "litmus: $name names $function(), which is not in ${files[*]}"
		failed=1
	done < <(grep -oE '[a-z_0-9]+\(\)' <<<"$head" | tr -d '()' | sort -u)
}

log_dir
log=$LABYRINTH_LOGS/litmus.log
arch_set "$kernel"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
herd=() failed=0
take_lock herd
# Without herd7 nothing is known of the barriers, neither good nor bad.
if ! find_herd; then
	result skip "litmus: there is no herd7, see above"
	exit
fi
model=$(readlink -f "$("$LAB_SCRIPTS/kernel.sh" source "$kernel")")/tools/memory-model
(($#)) || mapfile -t names < <(cd "$LAB_ROOT/tests/litmus" && printf '%s\n' *.litmus)
for name in "${@:-${names[@]}}"; do
	prepare_all "${name%.litmus}"
	names_exist "${name%.litmus}"
done
run_herd
for name in "${tests[@]}"; do
	judge "$name"
done
exit "$failed"
