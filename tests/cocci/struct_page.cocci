// SPDX-License-Identifier: GPL-2.0-only
///
/// A word of struct page is read or written outside of the files that say how much the word is
/// believed: any code may write these words.
///
// Confidence: High
virtual report

@access@
struct page *page;
identifier word;
position pos;
@@
 page->word@pos

@script:python depends on report@
pos << access.pos;
word << access.word;
@@
coccilib.report.print_report(pos[0], "struct page's %s is used outside of the files for that" % word)
