// SPDX-License-Identifier: GPL-2.0-only
/*
 * A library for LD_PRELOAD: the allocation number $FAIL_NTH of a program fails. If $FAIL_MODE is "on",
 * all later allocations fail too. A failure creates the file $FAIL_REACHED. Programs that this program
 * starts run without the library.
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

/*
 * Number of the next allocation that fails: 1 is the very next allocation. 0: each allocation
 * fails. -1: no allocation fails. It is -1 before main(), in exit(), and after the only failure.
 */
static long left = -1;
static bool on;

__attribute__((constructor)) static void start(void)
{
	left = atol(getenv("FAIL_NTH"));
	on = !strcmp(getenv("FAIL_MODE"), "on");
	unsetenv("LD_PRELOAD");
}

static void stop(void)
{
	left = -1;
}

static bool fails(void)
{
	static bool registered;

	if (left < 0)
		return false;
	/*
	 * exit() calls the last registered function first. Registered by main()'s first allocation,
	 * stop() comes before gcov writes its counts, which needs memory.
	 */
	if (!registered)
		registered = !atexit(stop);
	if (left > 0 && --left)
		return false;
	close(open(getenv("FAIL_REACHED"), O_CREAT | O_WRONLY, 0600));
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
