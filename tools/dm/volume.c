// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device-mapper volumes, and the exchange of their tables.
 */

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "error.h"
#include "volume.h"

/**
 * volume_init() - initialize libdevmapper
 *
 * It shows names as the kernel has them.
 */
void volume_init(void)
{
	dm_lib_init();
	dm_set_name_mangling_mode(DM_STRING_MANGLING_NONE);
}

/**
 * volume_path_devno() - find the device that a path names
 * @path: path, or vg/lv for /dev/vg/lv, as for lvm2
 * @devno: set to the device number
 *
 * Return: 0 or a negative errno.
 */
int volume_path_devno(const char *path, dev_t *devno)
{
	char lv[PATH_MAX];
	struct stat st;

	if (stat(path, &st)) {
		snprintf(lv, sizeof(lv), "/dev/%s", path);
		if (path[0] == '/' || stat(lv, &st))
			return -errno;
	}
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	*devno = st.st_rdev;
	return 0;
}

static bool devno_of_path(const char *path, dev_t *devno)
{
	int r = volume_path_devno(path, devno);

	if (r == -ENOTBLK)
		print_err("%s: not a block device", path);
	else if (r)
		print_err("%s: %s", path, strerror(-r));
	return !r;
}

/* Read the device number of dm-N from sysfs: it need not have a node in /dev. */
static bool devno_of_disk(const char *disk, unsigned int *major, unsigned int *minor)
{
	char path[64];
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%.32s/dev", disk);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%u:%u", major, minor) == 2;
	fclose(f);
	return ok;
}

static bool name_task(struct dm_task *dmt, const char *arg)
{
	unsigned int major, minor;
	dev_t devno;
	int end = 0;

	if (strchr(arg, '/')) {
		if (!devno_of_path(arg, &devno))
			return false;
		major = major(devno);
		minor = minor(devno);
	} else if (!(sscanf(arg, "%u:%u%n", &major, &minor, &end) == 2 && !arg[end]) &&
		   !(!strncmp(arg, "dm-", 3) && devno_of_disk(arg, &major, &minor))) {
		return dm_task_set_name(dmt, arg);
	}
	if (!dm_is_dm_major(major)) {
		print_err("%s: not a device-mapper device", arg);
		return false;
	}
	return dm_task_set_major_minor(dmt, major, minor, 1);
}

static bool get_info(struct volume *volume, const char *arg)
{
	struct dm_task *dmt = dm_task_create(DM_DEVICE_INFO);
	bool ok = false;

	if (!dmt)
		return false;
	if (name_task(dmt, arg) && dm_task_run(dmt) && dm_task_get_info(dmt, &volume->info)) {
		snprintf(volume->name, sizeof(volume->name), "%s", dm_task_get_name(dmt));
		snprintf(volume->uuid, sizeof(volume->uuid), "%s", dm_task_get_uuid(dmt));
		ok = true;
	}
	dm_task_destroy(dmt);
	return ok;
}

static bool exists(const struct volume *volume, const char *arg)
{
	if (!volume->info.exists)
		print_err("%s: no such device-mapper device", arg);
	return volume->info.exists;
}

/**
 * volume_find() - find a volume
 * @volume: set to the volume
 * @arg: name of the volume, as the kernel has it or as it was before libdevmapper mangled it,
 *	path to it, dm-N or major:minor
 *
 * Return: true on success.
 */
bool volume_find(struct volume *volume, const char *arg)
{
	bool ok = get_info(volume, arg);

	if (ok && !volume->info.exists) {
		dm_set_name_mangling_mode(DM_STRING_MANGLING_AUTO);
		ok = get_info(volume, arg);
		dm_set_name_mangling_mode(DM_STRING_MANGLING_NONE);
		/* its name, too, as the kernel has it */
		ok = ok && exists(volume, arg) && volume_refresh(volume);
	}
	return ok;
}

/**
 * volume_refresh() - read the name and state of a volume
 * @volume: the volume; only its device number is used
 *
 * Return: true on success.
 */
bool volume_refresh(struct volume *volume)
{
	char devno[32];

	snprintf(devno, sizeof(devno), "%u:%u", volume->info.major, volume->info.minor);
	return get_info(volume, devno) && exists(volume, devno);
}

/* By its number, a device is the same one, whatever name another program gives it meanwhile. */
static struct dm_task *task(int type, const struct volume *volume)
{
	struct dm_task *dmt = dm_task_create(type);

	if (dmt && (!dm_task_set_major_minor(dmt, volume->info.major, volume->info.minor, 0) ||
		    !dm_task_no_open_count(dmt))) {
		dm_task_destroy(dmt);
		return NULL;
	}
	return dmt;
}

/* Run a task, unless setting it up failed, and free it. */
static bool finish(struct dm_task *dmt, bool set)
{
	bool ok = dmt && set && dm_task_run(dmt);

	if (dmt)
		dm_task_destroy(dmt);
	return ok;
}

/**
 * volume_read_table() - read a table of a volume
 * @volume: the volume
 * @inactive: true for the inactive table, false for the live one
 * @table: set to the table, to be freed by table_free()
 *
 * Return: true on success.
 */
bool volume_read_table(const struct volume *volume, bool inactive, struct table *table)
{
	struct dm_task *dmt = task(DM_DEVICE_TABLE, volume);
	char *type, *params;
	uint64_t start, len;
	void *next = NULL;
	bool ok;

	*table = (struct table) {};
	/* the arguments of dm-crypt contain its key */
	ok = dmt && dm_task_secure_data(dmt) &&
	     (!inactive || dm_task_query_inactive_table(dmt)) && dm_task_run(dmt);
	while (ok) {
		next = dm_get_next_target(dmt, next, &start, &len, &type, &params);
		if (type)
			ok = table_add(table, start, len, type, params);
		if (!next)
			break;
	}
	if (dmt)
		dm_task_destroy(dmt);
	if (!ok)
		table_free(table);
	return ok;
}

static bool add_targets(struct dm_task *dmt, const struct table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++) {
		const struct segment *s = &table->segments[i];

		if (!dm_task_add_target(dmt, s->start, s->len, s->type, s->params))
			return false;
	}
	return true;
}

static bool load(const struct volume *volume, const struct table *table)
{
	struct dm_task *dmt = task(DM_DEVICE_RELOAD, volume);

	return finish(dmt, dmt && dm_task_secure_data(dmt) && add_targets(dmt, table) &&
			   (!volume->info.read_only || dm_task_set_ro(dmt)));
}

static bool has_property(struct udev_device *device, const char *name)
{
	const char *value = udev_device_get_property_value(device, name);

	return value && !strcmp(value, "1");
}

/**
 * struct settings - what a resume sets besides the table
 * @cookie: number that udev's event has, see dm_udev_wait()
 * @udev_flags: flags that the event has
 * @read_ahead: read-ahead in 512-byte sectors
 */
struct settings {
	uint32_t *cookie;
	uint16_t udev_flags;
	uint32_t read_ahead;
};

/*
 * Get libdevmapper's flags of a volume from udev. The program that activated the volume sent
 * them, so that udev leaves an internal device of LVM alone, say. The event of a resume needs
 * them again.
 */
static bool get_udev_flags(const struct volume *volume, uint16_t *flags)
{
	static const struct {
		const char *property;
		uint16_t flag;
	} known[] = {
		{ "DM_UDEV_DISABLE_DM_RULES_FLAG", DM_UDEV_DISABLE_DM_RULES_FLAG },
		{ "DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG", DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG },
		{ "DM_UDEV_DISABLE_DISK_RULES_FLAG", DM_UDEV_DISABLE_DISK_RULES_FLAG },
		{ "DM_UDEV_DISABLE_OTHER_RULES_FLAG", DM_UDEV_DISABLE_OTHER_RULES_FLAG },
		{ "DM_UDEV_LOW_PRIORITY_FLAG", DM_UDEV_LOW_PRIORITY_FLAG },
		{ "DM_UDEV_DISABLE_LIBRARY_FALLBACK_FLAG", DM_UDEV_DISABLE_LIBRARY_FALLBACK },
	};
	dev_t devno = makedev(volume->info.major, volume->info.minor);
	struct udev *udev = udev_new();
	struct udev_device *device = udev ? udev_device_new_from_devnum(udev, 'b', devno) : NULL;
	unsigned int i;

	*flags = 0;
	if (!device)
		print_err("%s: cannot read its state in udev: %s", volume->name, strerror(errno));
	/* other events than libdevmapper's get flags from the rules */
	else if (has_property(device, "DM_UDEV_PRIMARY_SOURCE_FLAG"))
		for (i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (has_property(device, known[i].property))
				*flags |= known[i].flag;
	/* the rules set this one while a volume is suspended */
	if (device && has_property(device, "DM_SUSPENDED"))
		*flags &= ~DM_UDEV_DISABLE_OTHER_RULES_FLAG;
	udev_device_unref(device);
	udev_unref(udev);
	return device;
}

static bool get_settings(const struct volume *volume, struct settings *settings)
{
	struct dm_task *dmt = task(DM_DEVICE_INFO, volume);
	bool ok = dmt && dm_task_run(dmt) && dm_task_get_read_ahead(dmt, &settings->read_ahead);

	if (dmt)
		dm_task_destroy(dmt);
	return ok && get_udev_flags(volume, &settings->udev_flags);
}

/*
 * With an inactive table, one resume ioctl suspends the volume, exchanges the tables and
 * resumes the volume. The new table maps to the same sectors as the old one, so I/O need not
 * be flushed first, nor the file system be frozen. The kernel chooses another read-ahead with
 * the new table, so restore the old one. libdevmapper needs the name for the read-ahead only.
 */
static bool resume(const struct volume *volume, const struct settings *settings)
{
	struct dm_task *dmt = task(DM_DEVICE_RESUME, volume);

	/* libdevmapper must not make the node in /dev/mapper: udev does */
	return finish(dmt, dmt && dm_task_set_name(dmt, volume->name) && dm_task_no_flush(dmt) &&
			   dm_task_skip_lockfs(dmt) &&
			   dm_task_set_add_node(dmt, DM_ADD_NODE_ON_CREATE) &&
			   dm_task_set_read_ahead(dmt, settings->read_ahead, 0) &&
			   dm_task_set_cookie(dmt, settings->cookie, settings->udev_flags));
}

/**
 * volume_clear() - drop the inactive table of a volume
 * @volume: the volume
 *
 * Return: true on success.
 */
bool volume_clear(const struct volume *volume)
{
	return finish(task(DM_DEVICE_CLEAR, volume), true);
}

/* After a resume that failed: drop the new table, and let I/O go on with the old one. */
static bool undo_load(const struct volume *volume, const struct settings *settings)
{
	bool cleared = volume_clear(volume);

	return resume(volume, settings) && cleared;
}

/**
 * volume_exchange() - give a volume another table that maps to the same sectors
 * @volume: the volume, not suspended and without an inactive table
 * @table: the new table
 * @cookie: set to what dm_udev_wait() waits for
 *
 * On failure the volume keeps its old table. Signals must be blocked, so that only SIGKILL
 * ends the program between load and resume.
 *
 * Return: true on success.
 */
bool volume_exchange(const struct volume *volume, const struct table *table, uint32_t *cookie)
{
	struct settings settings = { .cookie = cookie };
	bool ok, undone = true;

	*cookie = 0;
	if (!get_settings(volume, &settings))
		return false;
	/* A failed resume may leave a volume suspended that has this program, or stderr's file. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		print_err("cannot lock memory: %s", strerror(errno));
		return false;
	}
	hold_errors();
	ok = load(volume, table);
	if (ok && !resume(volume, &settings)) {
		ok = false;
		undone = undo_load(volume, &settings);
	}
	/* sets the read-ahead */
	dm_task_update_nodes();
	munlockall();
	release_errors();
	if (!undone)
		print_err("%s: cannot be resumed with its old table; see dmsetup info and table",
			  volume->name);
	else if (!ok)
		print_err("%s: the table was not exchanged, the old table stays; dmesg may say why",
			  volume->name);
	return ok;
}

/**
 * volume_message() - send a message to a segment
 * @volume: the volume
 * @sector: a sector of the segment
 * @message: the message
 *
 * Return: true on success.
 */
bool volume_message(const struct volume *volume, uint64_t sector, const char *message)
{
	struct dm_task *dmt = task(DM_DEVICE_TARGET_MSG, volume);

	return finish(dmt, dmt && dm_task_set_sector(dmt, sector) &&
			   dm_task_set_message(dmt, message));
}

static bool first_dmp_sector(const struct volume *volume, uint64_t *sector)
{
	const struct segment *dmp;
	struct table table;
	bool found;

	/* in case no ioctl says why */
	errno = ENODEV;
	if (!volume_read_table(volume, false, &table))
		return false;
	dmp = table_find(&table, "dmp");
	found = dmp;
	if (found)
		*sector = dmp->start;
	table_free(&table);
	return found;
}

/**
 * volume_histogram() - read the joint histograms of a volume
 * @volume: the volume; only its device number is used
 *
 * Return: reply to the message histogram, to be freed, or NULL with errno set.
 */
char *volume_histogram(const struct volume *volume)
{
	struct dm_task *dmt = task(DM_DEVICE_TARGET_MSG, volume);
	char *reply = NULL;
	uint64_t sector;

	if (dmt && first_dmp_sector(volume, &sector) && dm_task_set_sector(dmt, sector) &&
	    dm_task_set_message(dmt, "histogram") && dm_task_run(dmt)) {
		/* without any request there is no reply */
		const char *text = dm_task_get_message_response(dmt);

		reply = strdup(text ? text : "");
		if (!reply)
			print_err("out of memory");
	} else if (dmt && dm_task_get_errno(dmt)) {
		errno = dm_task_get_errno(dmt);
	}
	if (dmt)
		dm_task_destroy(dmt);
	return reply;
}

/**
 * volume_create() - create a volume
 * @name: name of the volume
 * @table: table of the volume
 *
 * Return: path of the volume, to be freed, or NULL.
 */
char *volume_create(const char *name, const struct table *table)
{
	struct dm_task *dmt = dm_task_create(DM_DEVICE_CREATE);
	char *mangled = NULL, *path = NULL;
	uint32_t cookie = 0;

	/* also while it runs: it makes other tasks of that name */
	dm_set_name_mangling_mode(DM_STRING_MANGLING_AUTO);
	if (dmt && dm_task_set_name(dmt, name) && add_targets(dmt, table) &&
	    dm_task_set_add_node(dmt, DM_ADD_NODE_ON_CREATE) &&
	    dm_task_set_cookie(dmt, &cookie, 0) && dm_task_run(dmt))
		mangled = dm_task_get_name_mangled(dmt);
	dm_set_name_mangling_mode(DM_STRING_MANGLING_NONE);
	if (mangled && asprintf(&path, "%s/%s", dm_dir(), mangled) < 0)
		path = NULL;
	dm_free(mangled);
	if (dmt)
		dm_task_destroy(dmt);
	dm_udev_wait(cookie);
	dm_task_update_nodes();
	return path;
}

/**
 * table_add() - append a segment to a table
 * @table: the table
 * @start: first sector
 * @len: number of sectors
 * @type: target type, copied
 * @params: arguments of the target, copied
 *
 * Return: true on success.
 */
bool table_add(struct table *table, uint64_t start, uint64_t len, const char *type,
	       const char *params)
{
	struct segment *s = realloc(table->segments, (table->nr + 1) * sizeof(*s));

	if (s) {
		table->segments = s;
		s += table->nr;
		*s = (struct segment) { start, len, strdup(type), strdup(params) };
		table->nr++;
	}
	if (!s || !s->type || !s->params) {
		print_err("out of memory");
		return false;
	}
	return true;
}

/**
 * table_find() - find the first segment of a target type
 * @table: the table
 * @type: the target type
 *
 * Return: the segment, or NULL.
 */
const struct segment *table_find(const struct table *table, const char *type)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		if (!strcmp(table->segments[i].type, type))
			return &table->segments[i];
	return NULL;
}

/**
 * table_equal() - compare two tables
 * @a: first table
 * @b: second table
 *
 * Return: true if both have the same segments.
 */
bool table_equal(const struct table *a, const struct table *b)
{
	unsigned int i;

	for (i = 0; i < a->nr && i < b->nr; i++) {
		const struct segment *s = &a->segments[i], *t = &b->segments[i];

		if (s->start != t->start || s->len != t->len || strcmp(s->type, t->type) ||
		    strcmp(s->params, t->params))
			return false;
	}
	return a->nr == b->nr;
}

/**
 * table_free() - free the segments of a table
 * @table: the table, empty afterwards
 */
void table_free(struct table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++) {
		struct segment *s = &table->segments[i];

		/* the arguments may contain a key, or be missing for want of memory */
		if (s->params)
			explicit_bzero(s->params, strlen(s->params));
		free(s->params);
		free(s->type);
	}
	free(table->segments);
	*table = (struct table) {};
}
