// SPDX-License-Identifier: GPL-2.0-only
/*
 * A library for LD_PRELOAD that lets allocations of memory fail: the one whose number is in
 * $FAIL_NTH, and all later ones too if $FAIL_MODE is "on". If the program comes to it, the file
 * $FAIL_REACHED is created. Programs that this one starts are left alone.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* what glibc's functions of the same names call */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

/* allocations until one fails; none does before the program starts */
static long left = -1;
static bool on;

__attribute__((constructor)) static void start(void)
{
	const char *mode = getenv("FAIL_MODE");

	left = atol(getenv("FAIL_NTH"));
	on = mode && !strcmp(mode, "on");
	unsetenv("LD_PRELOAD");
}

/* what comes after the program's end, such as writing the counts of gcov, has its memory */
static void stop(void)
{
	left = -1;
}

static bool fails(void)
{
	static bool called;

	/* not before, so that it is the first function that exit() calls */
	if (left > 0 && !called)
		called = !atexit(stop);
	if (left > 0 && !--left)
		close(open(getenv("FAIL_REACHED"), O_CREAT | O_WRONLY, 0600));
	else if (left || !on)
		return false;
	if (!on)
		left = -1;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}
