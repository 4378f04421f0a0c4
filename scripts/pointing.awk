# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: awk -f scripts/pointing.awk [-v measure=1] FILE...
# Words of comments that point instead of naming ("it", "what", "who"), per hundred words of
# comment. The limit is what lib/xarray.c has, 1.35 (mm/kfence: 1.1); one such word is free.
# Prints each file that has more; with measure=1, each file's and the total figures.

BEGIN {
	limit = 1.35
	split("it its what who whoever whose he his him they them their one ones those others",
	      list, " ")
	for (i in list)
		points[list[i]] = 1
}

FNR == 1 { finish(); file = FILENAME; inside = 0 }

{
	line = $0
	while (line != "") {
		if (inside) {
			end = index(line, "*/")
			count(end ? substr(line, 1, end - 1) : line)
			line = end ? substr(line, end + 2) : ""
			inside = !end
		} else if (match(line, /\/\*|\/\//)) {
			inside = substr(line, RSTART, 2) == "/*"
			line = substr(line, RSTART + 2)
			if (!inside) {
				count(line)
				line = ""
			}
		} else {
			line = ""
		}
	}
}

END {
	finish()
	if (measure)
		printf "%6.2f %5d of %6d words  total\n", all ? 100 * hits_all / all : 0, hits_all, all
}

function count(text,   word) {
	while (match(text, /[A-Za-z_][A-Za-z_0-9']*/)) {
		word = tolower(substr(text, RSTART, RLENGTH))
		text = substr(text, RSTART + RLENGTH)
		words++
		hits += word in points
	}
}

function finish(   rate) {
	rate = words ? 100 * hits / words : 0
	if (measure && words)
		printf "%6.2f %5d of %6d words  %s\n", rate, hits, words, file
	else if (!measure && hits > 1 && rate > limit)
		printf "%s:1: %d words of %d in comments point instead of naming: %.1f of a hundred, more than %.2f\n",
		       file, hits, words, rate, limit
	hits_all += hits
	all += words
	words = hits = 0
}
