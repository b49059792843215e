// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are replaced at once.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file.h"

/* names of the file that is being written, and of that which it replaces; there is one at a time */
static char temporary[PATH_MAX];
static char replaced[PATH_MAX];

/**
 * file_begin() - begin to write a file
 * @path: path of the file
 *
 * A link stays, and the file that it leads to is replaced.
 *
 * Return: a temporary file beside it, or the file itself if it is not a regular one, for
 * file_end(); NULL after an error.
 */
FILE *file_begin(const char *path)
{
	mode_t mask = umask(0);
	struct stat st;
	bool exists = !stat(path, &st), found = true;
	bool dangling = !exists && !lstat(path, &st);
	FILE *f = NULL;
	int fd = -1, len;

	umask(mask);
	*temporary = '\0';
	/* a device or a pipe is written to, and stays, and so does a link that leads nowhere yet */
	if (dangling || (exists && !S_ISREG(st.st_mode))) {
		f = fopen(path, "we");
		if (!f)
			print_err("%s: %s", path, strerror(errno));
		return f;
	}
	if (exists)
		found = realpath(path, replaced);
	else
		snprintf(replaced, sizeof(replaced), "%s", path);
	if (found) {
		len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", replaced);
		if (len < (int)sizeof(temporary))
			fd = mkstemp(temporary);
		else
			errno = ENAMETOOLONG;
	}
	if (fd >= 0) {
		fchmod(fd, 0666 & ~mask);
		f = fdopen(fd, "w");
	}
	if (!f)
		print_err("%s: %s", path, strerror(errno));
	return f;
}

/**
 * file_end() - put a written file in its place
 * @f: the temporary file of file_begin(), closed afterwards
 * @path: path of the file
 *
 * Return: false after an error. Then the file is as it was.
 */
bool file_end(FILE *f, const char *path)
{
	bool ok = !fflush(f) && !ferror(f);

	ok = !fclose(f) && ok;
	if (!ok)
		print_err("cannot write %s: %s", path, strerror(errno));
	if (ok && *temporary && rename(temporary, replaced)) {
		print_err("%s: %s", path, strerror(errno));
		ok = false;
	}
	if (!ok && *temporary)
		unlink(temporary);
	return ok;
}
