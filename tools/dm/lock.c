// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks that are held while the table of a volume is exchanged.
 *
 * An LVM command loads a table into the inactive slot of a device, and resumes the device
 * later. If dmpctl loaded a table in between, the resume would take dmpctl's table, and LVM
 * would not notice: after a pvmove the volume would still write to the old place. From load
 * to resume the LVM command holds the lock of its volume group, so dmpctl takes it, too.
 * lvm2's file locking is flock() on V_<vg> in its lock directory.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "lock.h"

/* excludes other runs of dmpctl */
#define RUN_LOCK "/run/dmpctl.lock"
#define LVM_SETTINGS \
	"lvmconfig --typeconfig full global/locking_dir global/use_lvmlockd 2>/dev/null"

/* if lvmconfig does not print locking_dir */
#define LVM_LOCK_DIR "/run/lock/lvm"

/* Lock a file. Its last holder may have removed it meanwhile: then lock the new file. */
static int lock_file(const char *path)
{
	struct stat ours, theirs;
	int fd;

	for (;;) {
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0 || flock(fd, LOCK_EX)) {
			print_err("%s: %s", path, strerror(errno));
			if (fd >= 0)
				close(fd);
			return -1;
		}
		if (!fstat(fd, &ours) && !stat(path, &theirs) &&
		    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
			return fd;
		close(fd);
	}
}

/* Read lvm2's settings: as configured, or else as built in. */
static bool lvm_settings(char dir[PATH_MAX], int *lvmlockd)
{
	FILE *f = popen(LVM_SETTINGS, "re");
	char line[PATH_MAX];

	strcpy(dir, LVM_LOCK_DIR);
	*lvmlockd = 0;
	if (!f) {
		print_err("cannot run lvmconfig: %s", strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), f)) {
		/* dir is as large as line */
		if (sscanf(line, "locking_dir=\"%[^\"]\"", dir) != 1 &&
		    sscanf(line, "use_lvmlockd=%d", lvmlockd) != 1)
			break;
	}
	pclose(f);
	return true;
}

static bool lock_vg(struct lock *lock, const struct volume *volume)
{
	char dir[PATH_MAX], name[DM_NAME_LEN], *vg = name, *lv, *layer;
	int lvmlockd;

	snprintf(name, sizeof(name), "%s", volume->name);
	if (!dm_split_lvm_name(NULL, NULL, &vg, &lv, &layer)) {
		print_err("%s: has a UUID of LVM, but no name of LVM", volume->name);
		return false;
	}
	if (!lvm_settings(dir, &lvmlockd))
		return false;
	if (lvmlockd) {
		print_err("%s: volume groups under lvmlockd are not supported", volume->name);
		return false;
	}
	if (mkdir(dir, 0700) && errno != EEXIST) {
		print_err("%s: %s", dir, strerror(errno));
		return false;
	}
	snprintf(lock->vg_path, sizeof(lock->vg_path), "%s/V_%s", dir, vg);
	lock->vg_fd = lock_file(lock->vg_path);
	return lock->vg_fd >= 0;
}

/**
 * lock_volume() - exclude other programs from exchanging the table of a volume
 * @lock: set to the locks
 * @volume: the volume
 *
 * Waits for other runs of dmpctl, and for LVM.
 *
 * Return: true on success, false after printing an error.
 */
bool lock_volume(struct lock *lock, const struct volume *volume)
{
	lock->vg_fd = -1;
	lock->run_fd = lock_file(RUN_LOCK);
	if (lock->run_fd < 0)
		return false;
	if (strncmp(volume->uuid, "LVM-", 4) || lock_vg(lock, volume))
		return true;
	close(lock->run_fd);
	return false;
}

/**
 * unlock_volume() - undo lock_volume()
 * @lock: the locks
 */
void unlock_volume(struct lock *lock)
{
	/* removes the file before it drops the lock, as lvm2 does */
	if (lock->vg_fd >= 0) {
		unlink(lock->vg_path);
		close(lock->vg_fd);
	}
	close(lock->run_fd);
}
