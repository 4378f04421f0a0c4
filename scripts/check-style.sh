#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/check-style.sh
# The habits of this code that no other tool checks: documented exports, barriers
# that name their partner, version checks in one file, no #if in a function, and
# a licence at the top of each file, one version everywhere. Prints what breaks them,
# and then fails.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[[ ${1:-} != --help ]] || { usage; exit; }
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

findings() {
	check_exports "${module[@]}"
	check_barriers "${all[@]}"
	check_versions "${all[@]}"
	check_conditionals "${bodies[@]}"
	check_licences "${licensed[@]}"
	check_version
}

mapfile -t all < <(list_sources . | grep '\.[ch]$')
mapfile -t licensed < <(list_licensed)
mapfile -t bodies < <(printf '%s\n' "${all[@]}" | grep '\.c$')
mapfile -t module < <(list_module_sources . | grep '\.c$')
((${#module[@]})) || die "no source found"
found=$(findings || true)
if [[ -n $found ]]; then
	printf '%s\n' "$found"
	die "$(wc -l <<<"$found") finding(s)"
fi
say "${#all[@]} files keep the habits"
