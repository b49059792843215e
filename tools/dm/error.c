// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors of the tools and of libdevmapper, on stderr.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

/* memory for errors that are not printed yet, and a stream to it */
static char held[4096];
static FILE *hold;

/**
 * print_err() - print an error after the name of the program
 * @format: the error, without newline
 */
void print_err(const char *format, ...)
{
	FILE *f = hold ?: stderr;
	va_list ap;

	va_start(ap, format);
	fprintf(f, "%s: ", program_invocation_short_name);
	vfprintf(f, format, ap);
	fputc('\n', f);
	va_end(ap);
}

/**
 * hold_errors() - print errors later, since a write to stderr may have to wait
 */
void hold_errors(void)
{
	/* "w" would leave earlier errors there */
	hold = fmemopen(held, sizeof(held), "w+");
}

/**
 * release_errors() - print the errors since hold_errors()
 */
void release_errors(void)
{
	if (!hold)
		return;
	fclose(hold);
	hold = NULL;
	fputs(held, stderr);
}

/**
 * print_dm_log() - print libdevmapper's errors, and drop its other messages
 * @level: level, as in libdevmapper's dm_log_with_errno_fn
 * @file: not used
 * @line: not used
 * @dm_errno: not used
 * @format: the message, without newline
 */
void print_dm_log(int level, const char *file, int line, int dm_errno, const char *format, ...)
{
	char text[512];
	va_list ap;

	if ((level & 7) > 4)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	print_err("%s", text);
}
