# SPDX-License-Identifier: GPL-2.0-only
#
# Reads KTAP (KUnit's nested form and the flat one) and prints a line
# "pass|fail|skip <tab> suite.case" for each result that has none beneath it.
# What breaks the protocol is printed as a failure too: a plan that is not kept,
# a suite that fails although all its cases pass, an end in the middle.

function leaf(state, name, depth) {
	n++
	leaf_state[n] = state
	leaf_name[n] = name
	leaf_depth[n] = depth
}

# The results deeper than DEPTH belong to the line NAME that has just been read.
function close_children(name, depth, state,    i, e, bad) {
	for (i = n; i > 0 && leaf_depth[i] > depth; i--) {
		leaf_name[i] = name "." leaf_name[i]
		leaf_depth[i] = depth
		if (leaf_state[i] == "fail")
			bad = 1
	}
	for (e in count) {
		if (e + 0 <= depth)
			continue
		if ((e in plan) && plan[e] != count[e]) {
			leaf("fail", name ": " count[e] " results of " plan[e] " planned", depth)
			bad = 1
		}
		delete count[e]
		delete plan[e]
	}
	if (state == "fail" && !bad)
		leaf("fail", name, depth)
}

{
	sub(/\r$/, "")
	sub(/^\[ *[0-9]+\.[0-9]+\] /, "")
	match($0, /^ */)
	depth = RLENGTH
	line = substr($0, depth + 1)
}

line ~ /^1\.\.[0-9]+/ {
	plan[depth] = substr(line, 4) + 0
	count[depth] = 0
	if (plan[depth] == 0 && line ~ /# *SKIP/) {
		leaf("skip", "all", depth)
		plan[depth] = count[depth] = 1
	}
	next
}

line ~ /^(not )?ok [0-9]+/ {
	state = line ~ /^not / ? "fail" : "pass"
	if (line ~ /# *SKIP/)
		state = "skip"
	name = line
	sub(/^(not )?ok [0-9]+ *(- *)?/, "", name)
	sub(/ *#.*$/, "", name)
	parent = 0
	for (e in count)
		if (e + 0 > depth && count[e] > 0)
			parent = 1
	if (parent)
		close_children(name, depth, state)
	else
		leaf(state, name, depth)
	for (e in plan)
		if (e + 0 > depth)
			delete plan[e]
	count[depth]++
}

END {
	for (e in plan)
		if (plan[e] != count[e])
			leaf("fail", "the log ends after " count[e] " of " plan[e] " results", 0)
	for (i = 1; i <= n; i++)
		print leaf_state[i] "\t" leaf_name[i]
}
