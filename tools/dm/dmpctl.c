// SPDX-License-Identifier: GPL-2.0-only
/*
 * Put the device-mapper target dmp under volumes that are in use, and take it away again.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#include "error.h"
#include "lock.h"
#include "volume.h"

/* a file for each attached volume, see remember() */
#define STATE_DIR "/run/dmpctl"

static struct {
	bool latency;
	bool force;
	bool json;
} options;

/**
 * struct change - replacement of the segments of a volume
 * @from: target type to replace
 * @to: target type that replaces @from
 * @keep: true to leave existing dmp segments with their features
 * @latency: true to give the segments of type @to the feature latency
 * @missing: advice in the error for a volume with segments of neither type
 */
struct change {
	const char *from;
	const char *to;
	bool keep;
	bool latency;
	const char *missing;
};

static bool has_latency(const struct segment *s)
{
	return strstr(s->params, " latency");
}

/* dmp and linear take the same first arguments: device and offset. */
static bool convert_segment(const struct segment *s, const struct change *change, struct table *to)
{
	char params[PATH_MAX];
	int end = 0;

	if (sscanf(s->params, "%*s %*s%n", &end) == EOF || !end ||
	    end >= (int)sizeof(params) - 16) {
		print_err("unexpected arguments of %s: %s", s->type, s->params);
		return false;
	}
	snprintf(params, sizeof(params), "%.*s%s", end, s->params,
		 change->latency ? " 1 latency" : "");
	return table_add(to, s->start, s->len, change->to, params);
}

/* Only target types without state of their own may be in two tables at once. */
static bool may_load_twice(const char *type)
{
	static const char *const types[] = {
		"linear", "dmp", "striped", "unstriped", "zero", "error", "crypt", "delay",
		"flakey", NULL
	};
	const char *const *t = types;

	while (*t && strcmp(type, *t))
		t++;
	return *t;
}

/* Set *to to the new table of the volume, with the segments of *from after the change. */
static bool convert(const struct volume *volume, const struct table *from,
		    const struct change *change, struct table *to)
{
	unsigned int i;

	*to = (struct table) {};
	if (!table_find(from, change->from) && !table_find(from, change->to)) {
		print_err("%s: has no %s segment, but %s; %s", volume->name, change->from,
			  from->nr ? from->segments[0].type : "no table", change->missing);
		return false;
	}
	for (i = 0; i < from->nr; i++) {
		const struct segment *s = &from->segments[i];
		bool linear = !strcmp(s->type, "linear");
		bool dmp = !strcmp(s->type, "dmp");
		bool ok;

		if (!may_load_twice(s->type)) {
			print_err("%s: has a %s segment, which must not be in two tables at once; use the volumes below it",
				  volume->name, s->type);
			return false;
		}
		if (!linear && !dmp)
			print_err("%s: sectors %llu to %llu stay %s", volume->name,
				  (unsigned long long)s->start,
				  (unsigned long long)(s->start + s->len - 1), s->type);
		if (!strcmp(s->type, change->from) || (dmp && !change->keep))
			ok = convert_segment(s, change, to);
		else
			ok = table_add(to, s->start, s->len, s->type, s->params);
		if (!ok)
			return false;
	}
	return true;
}

static bool is_read_only(const struct volume *volume)
{
	return volume->info.read_only;
}

/* LVM reserves these parts of a name for its internal devices. */
static bool is_lvm_internal(const struct volume *volume)
{
	static const char *const parts[] = {
		"_tdata", "_tmeta", "_pmspare", "_rimage_", "_rmeta_", "_mimage_", "_mlog",
		"_cdata", "_cmeta", "_corig", "_cvol", "_cpool", "_wcorig", "_vdata",
		"_imeta", "_iorig", "-pvmove", NULL
	};
	const char *const *part = parts;

	if (strncmp(volume->uuid, "LVM-", 4))
		return false;
	/* LVM-<VG UUID><LV UUID>, for an internal device with -<layer> */
	if (strlen(volume->uuid) > 4 + 32 + 32)
		return true;
	while (*part && !strstr(volume->name, *part))
		part++;
	return *part;
}

/* multipath neither renames nor removes a device of which a partition is not linear. */
static bool is_multipath_partition(const struct volume *volume)
{
	return !strncmp(volume->uuid, "part", 4) && strstr(volume->uuid, "-mpath-");
}

static bool may_change(const struct volume *volume)
{
	static const struct {
		bool (*is)(const struct volume *volume);
		const char *text;
	} reasons[] = {
		{ is_read_only, "is read-only" },
		{ is_lvm_internal, "is internal to LVM" },
		{ is_multipath_partition, "is a partition of a multipath device" },
	};
	unsigned int i;

	if (volume->info.suspended || volume->info.internal_suspend) {
		print_err("%s: is suspended by another program, which is changing the volume or has failed (dmsetup resume)",
			  volume->name);
		return false;
	}
	for (i = 0; !options.force && i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (!reasons[i].is(volume))
			continue;
		print_err("%s: %s; use --force to change its table", volume->name, reasons[i].text);
		return false;
	}
	return true;
}

/* Set *to to *from with linear in the place of dmp. */
static bool without_dmp(const struct table *from, struct table *to)
{
	static const struct change to_linear = { .to = "linear" };
	unsigned int i;
	bool ok = true;

	*to = (struct table) {};
	for (i = 0; ok && i < from->nr; i++) {
		const struct segment *s = &from->segments[i];

		if (!strcmp(s->type, "dmp"))
			ok = convert_segment(s, &to_linear, to);
		else
			ok = table_add(to, s->start, s->len, s->type, s->params);
	}
	return ok;
}

/*
 * Clear an inactive table that a killed run of dmpctl left. It differs from the live table
 * by dmp in the place of linear, or by the features of dmp. Refuse any other inactive
 * table: another program loaded it.
 */
static bool clear_leftover(struct volume *volume, const struct table *live)
{
	struct table inactive, plain_inactive = {}, plain_live = {};
	bool ok;

	if (!volume->info.inactive_table)
		return true;
	if (!volume_read_table(volume, true, &inactive))
		return false;
	ok = without_dmp(&inactive, &plain_inactive) && without_dmp(live, &plain_live);
	if (ok && (table_equal(&inactive, live) || !table_equal(&plain_inactive, &plain_live))) {
		print_err("%s: has an inactive table of another program, which is changing the volume or has failed (dmsetup clear drops the table)",
			  volume->name);
		ok = false;
	}
	ok = ok && volume_clear(volume) && volume_refresh(volume);
	table_free(&inactive);
	table_free(&plain_inactive);
	table_free(&plain_live);
	return ok;
}

static bool state_path(char *path, size_t size, const struct volume *volume)
{
	return snprintf(path, size, STATE_DIR "/%s", volume->name) < (int)size;
}

/* Inode of the volume's sysfs directory dmp. A directory added later has another inode. */
static bool sysfs_inode(const struct volume *volume, unsigned long long *ino)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dmp", volume->info.major,
		 volume->info.minor);
	if (stat(path, &st))
		return false;
	*ino = st.st_ino;
	return true;
}

/*
 * Return when dmpctl attached the volume, 0 if that is unknown. *lost: dmpctl attached the
 * volume, which has no dmp now.
 */
static time_t since(const struct volume *volume, bool *lost)
{
	unsigned long long ino, then;
	char path[PATH_MAX];
	time_t t = 0;
	struct stat st;
	FILE *f;

	*lost = false;
	if (!state_path(path, sizeof(path), volume))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	*lost = !sysfs_inode(volume, &ino);
	if (!*lost && fscanf(f, "%llu", &then) == 1 && then == ino && !fstat(fileno(f), &st))
		t = st.st_mtime;
	fclose(f);
	return t;
}

/*
 * The kernel does not tell when dmp was put under a volume. So dmpctl writes a file with the
 * name of the volume: it holds the inode of the volume's directory in sysfs, and its mtime is
 * the time.
 */
static void remember(const struct volume *volume)
{
	unsigned long long ino;
	char path[PATH_MAX];
	bool lost;
	FILE *f;

	if (since(volume, &lost))
		return;
	if (mkdir(STATE_DIR, 0755) && errno != EEXIST)
		return;
	if (!state_path(path, sizeof(path), volume) || !sysfs_inode(volume, &ino))
		return;
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%llu\n", ino);
		fclose(f);
	}
}

static void forget(const struct volume *volume)
{
	char path[PATH_MAX];

	if (state_path(path, sizeof(path), volume))
		unlink(path);
}

static bool exchange(const struct volume *volume, const struct table *table,
		     const struct change *change)
{
	uint32_t cookie;
	sigset_t all, old;
	bool ok;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	ok = volume_exchange(volume, table, &cookie);
	if (ok && strcmp(change->to, "dmp"))
		forget(volume);
	else if (ok && !strcmp(change->from, "linear"))
		remember(volume);
	/* a signal may end dmpctl now, since udev may be slow, or have lost the event */
	sigprocmask(SIG_SETMASK, &old, NULL);
	dm_udev_wait(cookie);
	return ok;
}

static bool change_locked(struct volume *volume, const struct change *change)
{
	struct table live, table = {};
	bool ok;

	if (!may_change(volume) || !volume_read_table(volume, false, &live))
		return false;
	ok = clear_leftover(volume, &live) && convert(volume, &live, change, &table);
	if (ok && !table_equal(&live, &table))
		ok = exchange(volume, &table, change);
	table_free(&live);
	table_free(&table);
	return ok;
}

static bool change_volume(const char *arg, const struct change *change)
{
	struct volume volume, found;
	struct lock lock;
	bool ok;

	if (!volume_find(&volume, arg) || !lock_volume(&lock, &volume))
		return false;
	found = volume;
	ok = volume_refresh(&volume);
	if (ok && (strcmp(volume.name, found.name) || strcmp(volume.uuid, found.uuid))) {
		print_err("%s: was renamed meanwhile, try again", found.name);
		ok = false;
	}
	ok = ok && change_locked(&volume, change);
	unlock_volume(&lock);
	return ok;
}

static bool change_volumes(char **args, const struct change *change)
{
	bool ok = true;

	for (; *args; args++)
		ok &= change_volume(*args, change);
	return ok;
}

static bool cmd_attach(char **args)
{
	const struct change change = {
		.from = "linear", .to = "dmp",
		.keep = !options.latency, .latency = options.latency,
		.missing =
			"attach the volumes below it (internal ones of LVM with --force), or use dmpctl create for a device",
	};

	return change_volumes(args, &change);
}

static bool cmd_detach(char **args)
{
	static const struct change change = {
		.from = "dmp", .to = "linear", .missing = "it is not attached",
	};

	return change_volumes(args, &change);
}

static bool cmd_latency(char **args)
{
	struct change change = {
		.from = "dmp", .to = "dmp",
		.missing = "attach it first: dmpctl attach --latency",
	};

	change.latency = !strcmp(args[0], "on");
	if (!change.latency && strcmp(args[0], "off")) {
		print_err("expected on or off, not %s", args[0]);
		return false;
	}
	return change_volumes(args + 1, &change);
}

static bool cmd_create(char **args)
{
	char params[64], *path = NULL;
	struct table table = {};
	struct stat st;
	uint64_t bytes;
	bool ok;
	int fd;

	fd = open(args[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		print_err("%s: %s", args[1], strerror(errno));
		return false;
	}
	ok = S_ISBLK(st.st_mode) && !ioctl(fd, BLKGETSIZE64, &bytes);
	close(fd);
	if (!ok) {
		print_err("%s: not a block device", args[1]);
		return false;
	}
	if (dm_is_dm_major(major(st.st_rdev)) && !options.force) {
		print_err("%s: is a device-mapper volume, use dmpctl attach", args[1]);
		return false;
	}
	snprintf(params, sizeof(params), "%u:%u 0%s", major(st.st_rdev), minor(st.st_rdev),
		 options.latency ? " 1 latency" : "");
	if (table_add(&table, 0, bytes / 512, "dmp", params))
		path = volume_create(args[0], &table);
	table_free(&table);
	if (!path) {
		print_err("%s: not created; is %s in use, or the name taken? dmesg may say why",
			  args[0], args[1]);
		return false;
	}
	puts(path);
	free(path);
	return true;
}

/* A reset acts on the volume, so the message goes to the first dmp segment only. */
static bool reset_volume(const char *arg)
{
	const struct segment *dmp;
	struct volume volume;
	struct table table;
	bool ok = false;

	if (!volume_find(&volume, arg) || !volume_read_table(&volume, false, &table))
		return false;
	dmp = table_find(&table, "dmp");
	if (dmp)
		ok = volume_message(&volume, dmp->start, "reset");
	else
		print_err("%s: has no dmp segment; attach it first: dmpctl attach", volume.name);
	table_free(&table);
	return ok;
}

static bool cmd_reset(char **args)
{
	bool ok = true;

	for (; *args; args++)
		ok &= reset_volume(*args);
	return ok;
}

/**
 * struct row - a line of the list
 * @volume: the volume
 * @nr_dmp: number of dmp segments
 * @nr_latency: number of dmp segments with the feature latency
 * @nr_linear: number of linear segments
 * @since: time of the attach, 0 if unknown
 * @lost: true if dmpctl attached the volume, and another program loaded a table without dmp
 */
struct row {
	struct volume volume;
	unsigned int nr_dmp;
	unsigned int nr_latency;
	unsigned int nr_linear;
	time_t since;
	bool lost;
};

static bool read_row(dev_t dev, struct row *row)
{
	struct table table;
	unsigned int i;

	*row = (struct row) { .volume.info = { .major = major(dev), .minor = minor(dev) } };
	if (!volume_refresh(&row->volume) || !volume_read_table(&row->volume, false, &table))
		return false;
	for (i = 0; i < table.nr; i++) {
		if (!strcmp(table.segments[i].type, "linear"))
			row->nr_linear++;
		if (strcmp(table.segments[i].type, "dmp"))
			continue;
		row->nr_dmp++;
		row->nr_latency += has_latency(&table.segments[i]);
	}
	table_free(&table);
	row->since = since(&row->volume, &row->lost);
	return true;
}

static const char *state_of(const struct row *row)
{
	return !row->nr_dmp ? "lost" : row->nr_linear ? "partly" : "attached";
}

static const char *latency_of(const struct row *row)
{
	return !row->nr_latency ? "off" : row->nr_latency < row->nr_dmp ? "partly" : "on";
}

static void format_time(char *text, size_t size, time_t t)
{
	struct tm tm;

	strftime(text, size, "%Y-%m-%dT%H:%M:%S%z", localtime_r(&t, &tm));
}

static json_object *json_of(const struct row *row)
{
	json_object *object = json_object_new_object();
	char time[64];

	format_time(time, sizeof(time), row->since);
	json_object_object_add(object, "name", json_object_new_string(row->volume.name));
	json_object_object_add(object, "uuid", json_object_new_string(row->volume.uuid));
	json_object_object_add(object, "state", json_object_new_string(state_of(row)));
	json_object_object_add(object, "dmp_segments", json_object_new_int(row->nr_dmp));
	json_object_object_add(object, "linear_segments", json_object_new_int(row->nr_linear));
	json_object_object_add(object, "latency", json_object_new_string(latency_of(row)));
	json_object_object_add(object, "since",
			       row->since ? json_object_new_string(time) : NULL);
	return object;
}

#define HEADER "Volume                          State    Segments   Latency Since"

static void print_row(const struct row *row)
{
	char time[64] = "-";

	if (row->since)
		format_time(time, sizeof(time), row->since);
	printf("%-31s %-8s %3u of %-3u %-7s %s\n", row->volume.name, state_of(row), row->nr_dmp,
	       row->nr_dmp + row->nr_linear, latency_of(row), time);
}

static bool cmd_list(char **args)
{
	struct dm_task *dmt = dm_task_create(DM_DEVICE_LIST);
	json_object *volumes = json_object_new_array();
	struct dm_names *names = NULL;
	bool ok, header = false;
	struct row row;

	ok = dmt && dm_task_run(dmt) && (names = dm_task_get_names(dmt));
	while (ok && names->dev) {
		/* a volume may be removed while others are read */
		if (read_row(names->dev, &row) && (row.nr_dmp || row.lost)) {
			if (options.json) {
				json_object_array_add(volumes, json_of(&row));
			} else {
				if (!header)
					puts(HEADER);
				header = true;
				print_row(&row);
			}
		}
		if (!names->next)
			break;
		names = (void *)names + names->next;
	}
	if (ok && options.json) {
		json_object *top = json_object_new_object();

		json_object_object_add(top, "volumes", volumes);
		puts(json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN));
		json_object_put(top);
	} else {
		json_object_put(volumes);
	}
	if (dmt)
		dm_task_destroy(dmt);
	return ok;
}

/**
 * struct command - a command of dmpctl
 * @name: name on the command line
 * @min_args: smallest number of arguments
 * @max_args: largest number of arguments
 * @options: letters of the options that the command takes
 * @run: function that runs the command
 * @usage: arguments, for --help
 * @help: description, for --help
 */
struct command {
	const char *name;
	int min_args;
	int max_args;
	const char *options;
	bool (*run)(char **args);
	const char *usage;
	const char *help;
};

static const struct command commands[] = {
	{ "attach", 1, INT_MAX, "lf", cmd_attach, "[--latency] VOLUME...",
	  "replace the linear segments of a volume by dmp" },
	{ "detach", 1, INT_MAX, "f", cmd_detach, "VOLUME...",
	  "replace the dmp segments of a volume by linear" },
	{ "latency", 2, INT_MAX, "f", cmd_latency, "on|off VOLUME...",
	  "switch the feature latency on or off" },
	{ "create", 2, 2, "lf", cmd_create, "NAME DEVICE [--latency]",
	  "create a volume with one dmp segment over a device" },
	{ "reset", 1, INT_MAX, "", cmd_reset, "VOLUME...", "restart the statistics from zero" },
	{ "list", 0, 0, "J", cmd_list, "[-J]", "list the volumes that have dmp" },
	{}
};

static void print_usage(FILE *f)
{
	const struct command *c;

	fprintf(f, "usage: dmpctl COMMAND [--force] ...\n\n");
	for (c = commands; c->name; c++)
		fprintf(f, "  %-8s %-26s %s\n", c->name, c->usage, c->help);
	fprintf(f, "\nA VOLUME is a name, a path, vg/lv, dm-N or major:minor. See dmpctl(8).\n");
}

static const struct command *find_command(const char *name)
{
	const struct command *c = commands;

	while (c->name && strcmp(c->name, name))
		c++;
	return c->name ? c : NULL;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "latency", no_argument, NULL, 'l' },
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	const struct command *command;
	char given[8] = "";
	bool ok;
	int c;

	while ((c = getopt_long(argc, argv, "Jh", long_options, NULL)) != -1) {
		switch (c) {
		case 'l':
			options.latency = true;
			break;
		case 'f':
			options.force = true;
			break;
		case 'J':
			options.json = true;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			return 2;
		}
		if (strlen(given) < sizeof(given) - 1 && !strchr(given, c))
			given[strlen(given)] = c;
	}
	argc -= optind;
	argv += optind;
	if (!argc) {
		print_usage(stderr);
		return 2;
	}
	command = find_command(argv[0]);
	if (!command) {
		print_err("unknown command %s, see dmpctl --help", argv[0]);
		return 2;
	}
	argc--;
	argv++;
	if (argc < command->min_args || argc > command->max_args ||
	    strspn(given, command->options) != strlen(given)) {
		print_err("expected: dmpctl %s %s", command->name, command->usage);
		return 2;
	}
	if (geteuid()) {
		print_err("must be run by root");
		return 1;
	}
	dm_log_with_errno_init(print_dm_log);
	volume_init();
	ok = command->run(argv);
	if (fflush(stdout) || ferror(stdout)) {
		print_err("cannot write the output: %s", strerror(errno));
		ok = false;
	}
	return ok ? 0 : 1;
}
