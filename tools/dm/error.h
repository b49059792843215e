/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors of the tools and of libdevmapper, on stderr.
 */

#ifndef DM_ERROR_H
#define DM_ERROR_H

void print_err(const char *format, ...) __printf(1, 2);
void hold_errors(void);
void release_errors(void);
void print_dm_log(int level, const char *file, int line, int dm_errno, const char *format, ...)
	__printf(5, 6);

#endif /* DM_ERROR_H */
