#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/htmldocs.sh [--out DIR] [--man] [--kerneldoc FILE]
# Makes the documentation as HTML in DIR (default: html in LABYRINTH_CACHE), by Sphinx, with
# a page of all exported calls from their kernel-doc. Any warning fails.
#   --man             man pages instead, in DIR (default: man in LABYRINTH_CACHE):
#                     labyrinth(4), (8) and (9), labyrinth_watch(4)
#   --kerneldoc FILE  the kernel's script, as linux-kbuild has it; nothing is then fetched
#                     or installed

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

exports_of() { sed -n 's/^EXPORT_SYMBOL_NS_GPL(\([a-z_]*\), LAB_NS);/\1/p' "$1"; }

# api_of FILE [option...]: its kernel-doc as reST; nothing, if there is none.
api_of() { perl "$kernel_doc" -rst "${@:2}" "$LAB_ROOT/$1"; }

# The exported calls, in the order of their files; their data has no kernel-doc.
calls() {
	local file name names
	for file in "${exporting[@]}"; do
		names=()
		while IFS= read -r name; do
			[[ $name == labyrinth_hot ]] || names+=(-function "$name")
		done < <(exports_of "$LAB_ROOT/$file")
		((${#names[@]} == 0)) || api_of "$file" "${names[@]}"
	done
}

# list_of REST...: a line for each call in it that is for drivers, with the call's purpose.
list_of() {
	awk '
		/^\.\. c:(function|macro)::/ { sub(/ *\(.*/, ""); sub(/.*[ *]/, ""); name = $0; next }
		name ~ /^labyrinth_/ && /^ +[^ :]/ { sub(/^ +/, ""); print "- :c:func:`" name "`: " $0; name = "" }' "$@"
}

# api FILE...: the page of all calls: a list of them, then the kernel-doc in the files.
api() {
	cat "$LAB_ROOT/Documentation/api.rst"
	list_of "$@"
	printf '\nReference\n=========\n\n'
	cat "$@"
}

exports() { (cd "$LAB_ROOT" && cat "${exporting[@]}") | exports_of - | grep -vx labyrinth_hot; }

# The parameters of labyrinth.ko; those of the samples and of labyrinth_watch are no part of it.
parameters() {
	(cd "$LAB_ROOT" && list_module_sources . | grep -v ^watch/ | xargs cat) |
		sed -nE 's/^module_param(_cb)?\(([a-z_]+),.*/\2/p'
}

# has FILE WORD PATTERN: a page that does not have the word is not whole.
has() { grep -qE -- "$3" "$out/$1" || { say "$2 is not in $1"; missing=1; }; }

# Every export and every parameter has its place.
complete() {
	local name missing=0
	for name in $(exports); do
		case $builder in
		html)
			has api.html "$name" "id=\"c\.$name\""
			[[ $name == lab_* ]] || has api.html "$name, in the list," "<li>.*href=\"#c\.$name\""
			;;
		man) has labyrinth.9 "$name" "^\.B.*$name|fB$name" ;;
		esac
	done
	for name in $(parameters); do
		case $builder in
		html) has module.html "$name" "<code[^>]*><span class=\"pre\">$name=" ;;
		man) has labyrinth.4 "$name" "$name=" ;;
		esac
	done
	return "$missing"
}

# What reads the pages has nothing to say of them either.
man_clean() {
	local page said
	for page in "$out"/*.[1-9]; do
		said=$(MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
		[[ -z $said ]] || { say "$page: $said"; return 1; }
	done
}

out='' man='' kerneldoc=''
options "out=out man kerneldoc=file" "$@"
no_arguments "${args[@]}"
log_dir
builder=${man:+man}
builder=${builder:-html}
out=${out:-$LABYRINTH_CACHE/$builder}
if [[ -n $kerneldoc ]]; then
	kernel_doc=$(realpath "$kerneldoc")
else
	"$LAB_SCRIPTS/deps.sh" fetch docs
	kernel_doc=$("$LAB_SCRIPTS/kernel.sh" source "$KERNEL_DEFAULT")/scripts/kernel-doc
fi
mapfile -t exporting < <(cd "$LAB_ROOT" && list_module_sources . | xargs grep -lE '^EXPORT_SYMBOL_NS_GPL')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Beside it, what it includes.
ln -s "$LAB_ROOT/samples" "$work/samples"
cp -r "$LAB_ROOT/Documentation" "$work/Documentation"
{ api_of labyrinth_alloc.h >"$work/types" && calls >"$work/calls"; } 2>"$LABYRINTH_LOGS/kernel-doc.log"
[[ ! -s $LABYRINTH_LOGS/kernel-doc.log ]] || { cat "$LABYRINTH_LOGS/kernel-doc.log" >&2; exit 1; }
api "$work/types" "$work/calls" >"$work/Documentation/api.rst"
run_logged "documents by Sphinx: $builder" "$LABYRINTH_LOGS/$builder.log" \
	sphinx-build -q -n -W --keep-going -E -d "$work/doctrees" -b "$builder" \
	-D "version=$(make -s -C "$LAB_ROOT" version)" "$work/Documentation" "$out"
complete
case $builder in
html) say "$out/index.html" ;;
man)
	man_clean
	say "man -l $out/labyrinth.4"
	;;
esac
