#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/htmldocs.sh [DIR]
# Makes the documentation as HTML in DIR (default: html in LABYRINTH_CACHE), by Sphinx, with
# a page of all exported calls from their kernel-doc. Any warning fails.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

exports_of() { sed -n 's/^EXPORT_SYMBOL_NS_GPL(\([a-z_]*\), LAB_NS);/\1/p' "$1"; }

# api_of FILE [option...]: its kernel-doc as reST; nothing, if there is none.
api_of() { perl "$kernel_doc" -rst "${@:2}" "$LAB_ROOT/$1"; }

# The exported calls, in the order of their files; their data has no kernel-doc.
api() {
	local file name names
	cat "$LAB_ROOT/Documentation/api.rst"
	api_of labyrinth_alloc.h
	for file in "${exporting[@]}"; do
		names=()
		while IFS= read -r name; do
			[[ $name == labyrinth_hot ]] || names+=(-function "$name")
		done < <(exports_of "$LAB_ROOT/$file")
		((${#names[@]} == 0)) || api_of "$file" "${names[@]}"
	done
}

# Every export has its place on the page.
complete() {
	local name missing=0
	for name in $(cd "$LAB_ROOT" && cat "${exporting[@]}" | exports_of -); do
		[[ $name != labyrinth_hot ]] || continue
		grep -q "id=\"c\.$name\"" "$out/api.html" || { say "$name is not in api.html"; missing=1; }
	done
	return "$missing"
}

[[ ${1:-} != --help ]] || { usage; exit; }
out=${1:-$LABYRINTH_CACHE/html}
"$LAB_SCRIPTS/deps.sh" fetch docs
log_dir
kernel_doc=$("$LAB_SCRIPTS/kernel.sh" source "$KERNEL_DEFAULT")/scripts/kernel-doc
mapfile -t exporting < <(cd "$LAB_ROOT" && list_module_sources . | xargs grep -lE '^EXPORT_SYMBOL_NS_GPL')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Beside it, what it includes.
ln -s "$LAB_ROOT/samples" "$work/samples"
cp -r "$LAB_ROOT/Documentation" "$work/Documentation"
api >"$work/Documentation/api.rst" 2>"$LABYRINTH_LOGS/kernel-doc.log"
[[ ! -s $LABYRINTH_LOGS/kernel-doc.log ]] || { cat "$LABYRINTH_LOGS/kernel-doc.log" >&2; exit 1; }
run_logged "htmldocs by Sphinx" "$LABYRINTH_LOGS/htmldocs.log" \
	sphinx-build -q -n -W --keep-going -E -d "$work/doctrees" -b html \
	-D "version=$(make -s -C "$LAB_ROOT" version)" "$work/Documentation" "$out"
complete
say "$out/index.html"
