# SPDX-License-Identifier: GPL-2.0-only
"""For Sphinx, run by scripts/htmldocs.sh."""

project = "Labyrinth"
copyright = "2026, The Labyrinth developers"
extensions = ["sphinx.ext.graphviz"]
graphviz_output_format = "svg"
html_theme = "alabaster"
html_theme_options = {"page_width": "1120px", "fixed_sidebar": True}
html_static_path = ["html.css"]
html_css_files = ["html.css"]
# A literal block is a shell's, a table or a report.
highlight_language = "none"
html_show_sphinx = False
# The kernel's own types are not described here.
nitpick_ignore_regex = [("c:identifier", ".*")]
c_id_attributes = ["__user", "__percpu"]

# For "make man": the page's source, its name, what it is, by whom, its section.
AUTHORS = ["The Labyrinth developers"]
man_pages = [
    ("module", "labyrinth", "exclusive page ownership for drivers", AUTHORS, 4),
    ("watch", "labyrinth_watch", "who holds a page", AUTHORS, 4),
    ("tool", "labyrinth", "what Labyrinth knows, for a shell", AUTHORS, 8),
    ("api", "labyrinth", "pages with one owner: all calls for drivers", AUTHORS, 9),
]
man_show_urls = False
