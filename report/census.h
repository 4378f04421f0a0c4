/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_CENSUS_H
#define LABYRINTH_CENSUS_H

struct lab_owner;
struct seq_file;

void lab_census_print(const struct lab_owner *owner);
void lab_census_limbo(const struct lab_owner *owner);
void lab_census_show(struct seq_file *m, const struct lab_owner *owner);

#endif /* LABYRINTH_CENSUS_H */
