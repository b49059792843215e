/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that are replaced at once.
 */

#ifndef DM_FILE_H
#define DM_FILE_H

#include <stdbool.h>
#include <stdio.h>

FILE *file_begin(const char *path);
bool file_end(FILE *f, const char *path);

#endif /* DM_FILE_H */
