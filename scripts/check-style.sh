#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/check-style.sh [--selftest]
# The habits of this code that no other tool checks: layers that hold (scripts/layers.py),
# documented exports, barriers that name their partner, version checks in one file, no #if
# in a function, comments that name their subject (scripts/pointing.awk), a licence at the
# top of each file, one version everywhere, self-tests that are executable. Prints what breaks
# them, and then fails.
# --selftest breaks each habit once, in a copy, and fails where that is not found.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

selftest=
options selftest "$@"
no_arguments "${args[@]}"
cd "$LAB_ROOT"

# Every export: kernel-doc right above the definition, with Context: and, where
# there is something to return, Return:.
check_exports() {
	awk '
	FNR == 1 { indoc = pending = 0 }
	/^\/\*\*/ { indoc = 1; text = ""; pending = 0 }
	indoc {
		text = text "\n" $0
		if (/\*\//) { indoc = 0; pending = 1; head = "" }
		next
	}
	# The head of a definition ends at its body; one that ends in ";" is none.
	pending {
		head = head " " $0
		if (/[{;]/) {
			pending = 0
			if (match(head, /[A-Za-z0-9_]+\(/)) {
				name = substr(head, RSTART, RLENGTH - 1)
				doc[FILENAME, name] = text
				isvoid[FILENAME, name] = head ~ /(^|[ \t])void[ \t]+[A-Za-z0-9_]+\(/
			}
		}
	}
	/^EXPORT_SYMBOL[A-Z_]*\(/ && !/^EXPORT_SYMBOL_FOR_LAB_TEST/ {
		name = $0
		sub(/^[A-Z_]*\(/, "", name)
		sub(/[,)].*/, "", name)
		at = FILENAME ":" FNR ": " name
		# Data is described where it is declared.
		if (name ~ /^labyrinth_hot$/)
			next
		if (!((FILENAME, name) in doc)) {
			print at " has no kernel-doc at its definition"
			next
		}
		text = doc[FILENAME, name]
		if (text !~ /\n \* Context:/)
			print at ": its kernel-doc has no Context:"
		if (!isvoid[FILENAME, name] && text !~ /\n \* Returns?:/)
			print at ": its kernel-doc has no Return:"
	}' "$@"
}

check_barriers() {
	awk '
	FNR == 1 { delete line }
	{ line[FNR] = $0 }
	/^[ \t]*(\*|\/\*|\/\/)/ { next }
	/(^|[^A-Za-z0-9_])(smp_(mb|wmb|rmb|store_mb|store_release|load_acquire)|smp_mb__[a-z_]+)[ \t]*\(/ {
		paired = 0
		for (i = FNR; i > 0 && i >= FNR - 6; i--)
			if (line[i] ~ /[Pp]airs with/)
				paired = 1
		if (!paired)
			print FILENAME ":" FNR ": a barrier whose comment does not say what it pairs with"
	}' "$@"
}

check_versions() {
	grep -nHE 'LINUX_VERSION_CODE|KERNEL_VERSION' "$@" | grep -v '^labyrinth_compat\.h:' |
		sed -E 's/^([^:]*:[0-9]+):.*/\1: a version check outside labyrinth_compat.h/'
}

# In kernel style a body begins and ends with a brace in the first column.
check_conditionals() {
	awk '
	FNR == 1 || /^}/ { body = 0 }
	/^{/ { body = 1 }
	body && /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else)([^a-z]|$)/ {
		print FILENAME ":" FNR ": #if inside a function"
	}' "$@"
}

# REUSE-IgnoreStart
check_licences() {
	local f
	for f; do
		head -n 2 "$f" | grep -q 'SPDX-License-Identifier: ' ||
			echo "$f:1: no SPDX-License-Identifier in the first two lines"
	done
}
# REUSE-IgnoreEnd

# What has a licence line of its own. Of what else there is (data, patches),
# .reuse/dep5 tells.
list_licensed() {
	find . -name .git -prune -o -type f \( -name '*.[chS]' -o -name '*.sh' -o -name '*.py' \
		-o -name '*.awk' -o -name '*.rst' -o -name '*.md' -o -name '*.pml' -o -name '*.conf' \
		-o -name Kbuild -o -name Kconfig -o -name Makefile \) ! -name '*.mod.c' -printf '%P\n' |
		sort
}

# differs FILE VERSION: a finding if it is not the module's.
differs() {
	[[ $2 == "$version" ]] || echo "$1:1: version '$2', but core/version.h has $version"
}

check_version() {
	local version
	version=$(sed -n 's/.*VERSION "\(.*\)"/\1/p' core/version.h)
	differs dkms.conf "$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)"
	differs CHANGELOG.md "$(sed -n '/^## /{s///p;q}' CHANGELOG.md)"
	differs debian/changelog "$(sed -n '1s/.*(\([^-)]*\).*/\1/p' debian/changelog)"
}

# The kernel's own runner complains of a test that is not.
check_executable() {
	local f
	for f in tests/selftests/*.sh; do
		[[ -x $f || $f == */ktap.sh ]] || echo "$f:1: a self-test that is not executable"
	done
}

check_layers() { "$LAB_SCRIPTS/layers.py" . "$@" || (($? == 3)) || echo "scripts/layers.py:1: fails"; }

check_pointing() { awk -f scripts/pointing.awk "$@"; }

findings() {
	check_layers "${module[@]}"
	check_exports "${module_bodies[@]}"
	check_barriers "${all[@]}"
	check_versions "${all[@]}"
	check_conditionals "${bodies[@]}"
	check_pointing "${module[@]}"
	check_licences "${licensed[@]}"
	check_version
	check_executable
}

# What is looked at, of the tree that is the current folder.
list_files() {
	mapfile -t all < <(list_sources . | grep '\.[ch]$')
	mapfile -t licensed < <(list_licensed)
	mapfile -t bodies < <(printf '%s\n' "${all[@]}" | grep '\.c$')
	mapfile -t module < <(list_module_sources .)
	mapfile -t module_bodies < <(printf '%s\n' "${module[@]}" | grep '\.c$')
	((${#module_bodies[@]})) || die "no source found"
}

# break_it FILE SED FINDING: with FILE changed by SED, FINDING must be among what is found.
break_it() {
	local file=$1 change=$2 wanted=$3 found
	cp "$file" "$copy/was"
	sed -i -E "$change" "$file"
	! cmp -s "$file" "$copy/was" || die "self-test: '$change' changes nothing in $file"
	found=$(findings || true)
	cp "$copy/was" "$file"
	grep -qE -- "$wanted" <<<"$found" || { say "not found: $wanted"; return 1; }
	say "    found: $(grep -E -m 1 -- "$wanted" <<<"$found")"
}

self_test() {
	local failed=0
	copy=$(mktemp -d)
	trap 'rm -rf "$copy"' EXIT
	mkdir "$copy/tree"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy/tree"
	cd "$copy/tree"
	list_files
	[[ -z $(findings) ]] || die "self-test: there are findings before anything is broken"
	break_it core/table.c 's|^#include "core/table.h"|&\n#include "page/cache.h"|' \
		'^core/table\.c:.*includes page/cache\.h, of a layer above' || failed=1
	break_it page/poison.c 's|^\tint pattern = pattern_of\(slot\);|&\n\tlab_cache_trim(owner, 0);|' \
		'calls in a circle: .*page/poison -\(lab_cache_trim\)-> page/cache' || failed=1
	break_it core/param.c 's|^\treturn -EINVAL;|\tlab_report_full();\n&|' \
		'^core/param:.*uses lab_report_full of report/report, of a layer above' || failed=1
	break_it map/vmap.c 's|^static (unsigned long key_of)|\1|' \
		'^map/vmap\.c:.*key_of is neither static nor named lab_' || failed=1
	break_it page/query.c 's|^ \* Context: .*| *|' \
		'^page/query\.c:.*labyrinth_query: its kernel-doc has no Context:' || failed=1
	break_it map/dma.c 's|^/\*\*$|/*|' \
		'^map/dma\.c:.*labyrinth_dma_map has no kernel-doc' || failed=1
	break_it page/limbo.c 's|[Pp]airs with|Goes with|' \
		'^page/limbo\.c:.*a barrier whose comment' || failed=1
	break_it page/call.c '1a int lab_version = LINUX_VERSION_CODE;' \
		'^page/call\.c:.*a version check outside' || failed=1
	break_it system/notify.c 's|^\tunsigned int owners = 0;|#ifdef CONFIG_PM\n&\n#endif|' \
		'^system/notify\.c:.*#if inside a function' || failed=1
	break_it core/list.h '2s|^|/* It is what they do to those who have it. */\n|' \
		'^core/list\.h:.*point instead of naming' || failed=1
	break_it guard/hook.h '1d' '^guard/hook\.h:1: no SPDX' || failed=1
	chmod a-x tests/selftests/load.sh
	findings | grep '^tests/selftests/load\.sh:1: a self-test that is not executable' >&2 || failed=1
	chmod a+x tests/selftests/load.sh
	break_it core/version.h 's|VERSION "|&9|' '^dkms\.conf:1: version' || failed=1
	return "$failed"
}

[[ -z $selftest ]] || { self_test; exit; }
list_files
found=$(findings || true)
if [[ -n $found ]]; then
	printf '%s\n' "$found"
	die "$(wc -l <<<"$found") finding(s)"
fi
say "${#all[@]} files keep the habits"
