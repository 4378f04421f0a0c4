# SPDX-License-Identifier: GPL-2.0-only
"""For Sphinx, run by scripts/htmldocs.sh."""

project = "Labyrinth"
copyright = "2026, The Labyrinth developers"
extensions = ["sphinx.ext.graphviz"]
graphviz_output_format = "svg"
html_theme = "alabaster"
html_show_sphinx = False
# The kernel's own types are not described here.
nitpick_ignore_regex = [("c:identifier", ".*")]
c_id_attributes = ["__user", "__percpu"]
