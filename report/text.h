/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_TEXT_H
#define LABYRINTH_TEXT_H

struct lab_past;
struct lab_refusal;

/**
 * struct lab_text - a buffer that a text is written to
 * @bytes: the text, which ends with a 0.
 * @size: of the buffer.
 * @length: of the text, without the 0.
 */
struct lab_text {
	char *bytes;
	unsigned int size;
	unsigned int length;
};

void lab_text_report(struct lab_text *text, const struct lab_refusal *refusal,
		     unsigned long nr);
void lab_text_step(struct lab_text *text, const char *label, const struct lab_past *past);
void lab_text_print(const struct lab_text *text, unsigned long nr);

#endif /* LABYRINTH_TEXT_H */
