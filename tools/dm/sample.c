// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports of the volumes on this host, from sysfs.
 *
 * An idle volume costs one pread() of its file stat, whose descriptor stays open. The files of
 * an operation are read when its numbers in stat moved. A descriptor fails with ENODEV once
 * the kernel removed the file, so as long as it works it is the same volume, whatever its name.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "error.h"
#include "format.h"
#include "sample.h"
#include "sysfs.h"
#include "volume.h"

/* reads of a volume between which its counts are reset each time */
#define MAX_TRIES 10

/* descriptors that are not kept for volumes */
#define SPARE_FDS 32

/**
 * struct source - a volume
 * @disk: name of its disk, dm-N
 * @fd: descriptor of its file stat, -1 if it is opened for each report
 * @ino: inode number of that file
 * @diskseq: sequence number of the disk
 * @dev: device number, major:minor
 * @name: name of the mapped device
 * @uuid: its UUID
 * @selected: true if the command line names the volume
 * @seen: true if the last listing of the disks has the disk
 * @is_new: true until the first reading
 * @from_zero: true if the first report has all counts, false if they are a baseline
 * @read_ns: time of the last reading
 * @text: the file stat as it was parsed last
 * @parsed: its numbers
 * @stat: numbers of the file stat at the time of the last reading
 * @counts: counts at that time, NULL if they are zero
 */
struct source {
	char disk[16];
	int fd;
	ino_t ino;
	__u64 diskseq;
	char dev[24];
	char *name;
	char *uuid;
	bool selected;
	bool seen;
	bool is_new;
	bool from_zero;
	__u64 read_ns;
	char text[STAT_FIELDS * sizeof("18446744073709551615")];
	__u64 parsed[STAT_FIELDS];
	__u64 stat[STAT_FIELDS];
	struct counts *counts[NR_OPS];
};

/**
 * struct sampler - the volumes of this host
 * @options: what to read
 * @dir: descriptor of the directory of the disks
 * @fds: number of descriptors that may be kept for volumes
 * @first: true until the first report
 * @read_ns: time of the last report
 * @denied: true after a volume could not be read
 * @matched: for each volume of the command line, true if it was found
 * @nr_sources: number of elements in @sources
 * @sources: the volumes by minor number, NULL where there is none
 */
struct sampler {
	struct sample_options options;
	int dir;
	long fds;
	bool first;
	__u64 read_ns;
	bool denied;
	bool *matched;
	unsigned int nr_sources;
	struct source **sources;
};

/**
 * now_ns() - read the monotonic clock
 *
 * Return: nanoseconds.
 */
__u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void source_free(struct sampler *sampler, struct source *s)
{
	if (s->fd >= 0) {
		close(s->fd);
		sampler->fds++;
	}
	counts_free_ops(s->counts);
	free(s->name);
	free(s->uuid);
	free(s);
}

/* Say once that a volume cannot be read: it stays so at each interval. */
static void deny(struct sampler *sampler, const char *disk, int error)
{
	if (!sampler->denied)
		print_err("%s: cannot read the statistics: %s", disk, strerror(error));
	sampler->denied = true;
}

/* A path names the device that it is at the moment. */
static bool is_path_of(const char *path, const char *dev)
{
	char text[24];
	dev_t devno;

	if (!strchr(path, '/') || volume_path_devno(path, &devno))
		return false;
	snprintf(text, sizeof(text), "%u:%u", major(devno), minor(devno));
	return !strcmp(text, dev);
}

/**
 * sample_names() - tell whether an argument names a volume
 * @arg: the argument: a name or pattern of names, UUID, dm-N, path, vg/lv or major:minor
 * @name: name of the volume
 * @uuid: its UUID
 * @disk: name of its disk
 * @dev: major:minor of its disk, or NULL if the disk may be another host's
 *
 * Return: true if it does.
 */
bool sample_names(const char *arg, const char *name, const char *uuid, const char *disk,
		  const char *dev)
{
	char *plain = strdup(name);
	bool found = !fnmatch(arg, name, FNM_NOESCAPE) || (*uuid && !strcmp(arg, uuid)) ||
		     !strcmp(arg, disk) || (dev && (!strcmp(arg, dev) || is_path_of(arg, dev)));

	if (plain) {
		unmangle(plain);
		found |= !strcmp(arg, plain) || !fnmatch(arg, plain, FNM_NOESCAPE);
	}
	free(plain);
	return found;
}

static void select_source(struct sampler *sampler, struct source *s)
{
	unsigned int i;

	/* a volume that is renamed stays selected */
	s->selected |= !sampler->options.nr_volumes;
	for (i = 0; i < sampler->options.nr_volumes; i++) {
		if (sample_names(sampler->options.volumes[i], s->name, s->uuid, s->disk, s->dev)) {
			sampler->matched[i] = true;
			s->selected = true;
		}
	}
}

/* Read a file of the directory dm: EINVAL and EIO say that the core is removing the volume. */
static int read_dm(struct sampler *sampler, struct source *s, const char *file,
		   char text[SYSFS_TEXT_LEN])
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "%s/dm/%s", s->disk, file);
	r = sysfs_read_name(sampler->dir, path, text);
	return r == -EINVAL || r == -EIO ? -ENODEV : r;
}

/* Read the name of a volume: at the start, and later since the volume may be renamed. */
static int read_name(struct sampler *sampler, struct source *s)
{
	char name[SYSFS_TEXT_LEN], *copy;
	int r;

	r = read_dm(sampler, s, "name", name);
	if (r || (s->name && !strcmp(s->name, name)))
		return r;
	copy = strdup(name);
	if (!copy) {
		print_err("out of memory");
		return -ENOMEM;
	}
	free(s->name);
	s->name = copy;
	select_source(sampler, s);
	return 0;
}

static int read_identity(struct sampler *sampler, struct source *s)
{
	char path[64], text[SYSFS_TEXT_LEN];
	int r;

	snprintf(path, sizeof(path), "%s/diskseq", s->disk);
	r = sysfs_read_number(sampler->dir, path, &s->diskseq);
	snprintf(path, sizeof(path), "%s/dev", s->disk);
	r = r ?: sysfs_read_name(sampler->dir, path, text);
	if (r)
		return r;
	snprintf(s->dev, sizeof(s->dev), "%.23s", text);
	r = read_dm(sampler, s, "uuid", text);
	if (r)
		return r;
	s->uuid = strdup(text);
	return s->uuid ? read_name(sampler, s) : -ENOMEM;
}

/* Open the file stat of a volume, and keep it open while there are descriptors. */
static int open_stat(struct sampler *sampler, struct source *s)
{
	struct stat st;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/dmp/stat", s->disk);
	fd = openat(sampler->dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || (s->ino && st.st_ino != s->ino)) {
		close(fd);
		return -ENODEV;
	}
	s->ino = st.st_ino;
	return fd;
}

/* Comparing the text of an idle volume takes less than parsing it again. */
static int parse_stat(struct source *s, const char *text, __u64 stat[STAT_FIELDS])
{
	/* an empty text is none, also at first */
	if (!*text || strcmp(text, s->text)) {
		*s->text = '\0';
		if (!parse_numbers(text, s->parsed, STAT_FIELDS))
			return -EBADMSG;
		/* a newer kernel may have more fields than there is place for: compare nothing */
		if (strlen(text) < sizeof(s->text))
			strcpy(s->text, text);
	}
	memcpy(stat, s->parsed, sizeof(s->parsed));
	return 0;
}

static int read_stat(struct sampler *sampler, struct source *s, __u64 stat[STAT_FIELDS])
{
	int fd = s->fd >= 0 ? s->fd : open_stat(sampler, s);
	char text[SYSFS_TEXT_LEN];
	int r;

	if (fd < 0)
		return fd;
	r = sysfs_read_fd(fd, text);
	if (s->fd < 0 && sampler->fds > 0) {
		s->fd = fd;
		sampler->fds--;
	} else if (s->fd < 0) {
		close(fd);
	}
	return r ?: parse_stat(s, text, stat);
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

static void add_source(struct sampler *sampler, const char *disk, unsigned int minor)
{
	struct source *s = calloc(1, sizeof(*s));
	__u64 stat[STAT_FIELDS];
	int r = -ENOMEM;

	if (s) {
		snprintf(s->disk, sizeof(s->disk), "%.15s", disk);
		s->fd = -1;
		s->is_new = true;
		/* after an error, a volume that appears may have been there before */
		s->from_zero = sampler->options.since_start ||
			       (!sampler->first && !sampler->denied);
		s->seen = true;
		r = read_stat(sampler, s, stat) ?: read_identity(sampler, s);
	}
	if (!r) {
		sampler->sources[minor] = s;
		return;
	}
	if (!is_gone(r))
		deny(sampler, disk, -r);
	if (s)
		source_free(sampler, s);
}

static bool grow_sources(struct sampler *sampler, unsigned int minor)
{
	unsigned int nr = sampler->nr_sources;
	struct source **sources;

	if (minor < nr)
		return true;
	nr = minor + 1 > 2 * nr ? minor + 1 : 2 * nr;
	sources = reallocarray(sampler->sources, nr, sizeof(*sources));
	if (!sources) {
		print_err("out of memory");
		return false;
	}
	memset(sources + sampler->nr_sources, 0, (nr - sampler->nr_sources) * sizeof(*sources));
	sampler->sources = sources;
	sampler->nr_sources = nr;
	return true;
}

/* Look for volumes that are not known yet. */
static bool list_disks(struct sampler *sampler)
{
	int fd = openat(sampler->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool ok = true;
	unsigned int i;
	__u64 minor;

	if (!dir) {
		print_err("/sys/block: %s", strerror(errno));
		return false;
	}
	for (i = 0; i < sampler->nr_sources; i++)
		if (sampler->sources[i])
			sampler->sources[i]->seen = false;
	while (ok && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "dm-", 3) ||
		    !parse_numbers(entry->d_name + 3, &minor, 1) || minor >= 1 << 20)
			continue;
		ok = grow_sources(sampler, minor);
		if (!ok)
			break;
		if (sampler->sources[minor])
			sampler->sources[minor]->seen = true;
		else
			add_source(sampler, entry->d_name, minor);
	}
	closedir(dir);
	return ok;
}

static bool wants_joint(const struct sampler *sampler, const struct source *s)
{
	const struct sample_options *options = &sampler->options;
	unsigned int i;

	if (!options->joint || !options->nr_joint_volumes)
		return options->joint;
	for (i = 0; i < options->nr_joint_volumes; i++)
		if (sample_names(options->joint_volumes[i], s->name, s->uuid, s->disk, s->dev))
			return true;
	return false;
}

/* Read the joint histograms of a volume into those of @counts that have latencies. */
static int read_joint(const struct source *s, struct counts *counts[NR_OPS])
{
	struct volume volume = {};
	bool wanted = false;
	char *reply;
	int op;

	for (op = 0; op < NR_OPS; op++) {
		if (!counts[op] || !counts[op]->timed)
			continue;
		if (!counts_add_joint(counts[op]))
			return -ENOMEM;
		memset(counts[op]->joint, 0, NR_SIZES * sizeof(*counts[op]->joint));
		wanted = true;
	}
	if (!wanted)
		return 0;
	if (sscanf(s->dev, "%u:%u", &volume.info.major, &volume.info.minor) != 2)
		return -EBADMSG;
	reply = volume_histogram(&volume);
	if (!reply && errno == EINVAL) {
		/* the feature latency was switched off meanwhile */
		for (op = 0; op < NR_OPS; op++)
			if (counts[op])
				counts[op]->timed = false;
		return 0;
	}
	if (!reply)
		return errno == ENXIO || errno == ENOENT ? -ENODEV : -errno;
	op = parse_joint(reply, counts) ? 0 : -EBADMSG;
	free(reply);
	return op;
}

/* Whether the counts in @stat begin at zero, and not at those of the last report. */
static bool restarted(const struct source *s, const __u64 *stat)
{
	return s->is_new || stat[0] != s->stat[0];
}

/* Whether an operation counted anything since it restarted, or since the last report. */
static bool moved(const struct source *s, const __u64 *stat, enum op op)
{
	static const __u64 zero[STAT_OP_FIELDS];
	size_t i = 1 + op * STAT_OP_FIELDS;

	return memcmp(stat + i, restarted(s, stat) ? zero : s->stat + i, sizeof(zero));
}

/*
 * Read the counts of the operations that moved. The numbers are those of the file stat before
 * the histograms are read: a request that comes between is in a histogram at once, and moves
 * stat before the next report. In the other order it could stay missing in a histogram.
 */
static int read_counts(struct sampler *sampler, struct source *s, const __u64 *stat,
		       struct counts *counts[NR_OPS])
{
	int op, r = 0;

	for (op = 0; op < NR_OPS && !r; op++) {
		if (!moved(s, stat, op))
			continue;
		counts[op] = counts_new();
		if (!counts[op])
			return -ENOMEM;
		stat_counts(stat, op, counts[op]);
		r = sysfs_read_counts(sampler->dir, s->disk, op, counts[op]);
	}
	return r ?: wants_joint(sampler, s) ? read_joint(s, counts) : 0;
}

/*
 * Read a volume. If it is reset meanwhile, read it again: only counts between the same resets
 * belong together.
 */
static int read_source(struct sampler *sampler, struct source *s, __u64 *stat,
		       struct counts *counts[NR_OPS])
{
	__u64 again[STAT_FIELDS];
	int r, tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		r = read_stat(sampler, s, stat);
		if (r || (!s->is_new && !memcmp(stat, s->stat, sizeof(s->stat))))
			return r;
		r = read_counts(sampler, s, stat, counts) ?: read_stat(sampler, s, again);
		if (!r && stat[0] == again[0])
			return 0;
		counts_free_ops(counts);
		if (r)
			return r;
	}
	return -EAGAIN;
}

/*
 * Files of latencies come and go with the feature, and their counts stay. Keep the last known
 * ones in the baseline. If none is known, those that are there now are the baseline.
 */
static void take_latencies(struct counts *now, struct counts *base, struct counts *delta)
{
	if (now->timed && base && !base->timed) {
		delta->timed = false;
		delta->latency_ns = base->latency_ns;
		memset(delta->latencies, 0, sizeof(delta->latencies));
		free(delta->joint);
		delta->joint = NULL;
	} else if (!now->timed && base) {
		/* the sum of the latencies waits for the histogram, so that both belong together */
		now->latency_ns = base->latency_ns;
		delta->latency_ns = base->latency_ns;
		now->timed = base->timed;
		memcpy(now->latencies, base->latencies, sizeof(now->latencies));
		now->joint = base->joint;
		base->joint = NULL;
	} else if (!now->timed) {
		/* none was measured yet */
		now->timed = !now->latency_ns;
		delta->latency_ns = 0;
	}
}

/* Replace the baseline of an operation by @now. Return the difference, or NULL after an error. */
static struct counts *take(struct source *s, int op, struct counts *now, enum event *event)
{
	struct counts *delta = counts_copy(now), *base = s->counts[op];

	if (!delta) {
		counts_free(now);
		return NULL;
	}
	take_latencies(now, base, delta);
	if (base && !counts_sub(delta, base)) {
		/* a count fell without a reset, so the volume restarted */
		*event = EVENT_RESET;
		counts_free(delta);
		delta = counts_copy(now);
	}
	counts_free(base);
	s->counts[op] = now;
	return delta;
}

/* Counts of an operation that counted nothing. Latencies of 0 requests differ from none. */
static struct counts *idle_counts(struct sampler *sampler, struct source *s)
{
	struct counts *idle = counts_new();

	if (idle)
		idle->timed = sysfs_has_latencies(sampler->dir, s->disk);
	return idle;
}

/* Add what a volume counted to a report. */
static bool report_source(struct sampler *sampler, struct source *s, __u64 ns,
			  struct counts *delta[NR_OPS], enum event event, struct report *report)
{
	struct report_volume *v;
	bool wanted = event;
	int op;

	for (op = 0; op < NR_OPS; op++) {
		if (!delta[op] && (sampler->options.idle_ops & 1 << op)) {
			delta[op] = idle_counts(sampler, s);
			if (!delta[op])
				return false;
		}
		wanted |= !!delta[op];
	}
	if (!wanted) {
		report->idle++;
		return true;
	}
	if (is_gone(read_name(sampler, s)))
		event = EVENT_NONE;
	v = report_add_volume(report, s->name, s->uuid, s->disk);
	if (!v)
		return false;
	v->diskseq = s->diskseq;
	v->event = event;
	v->interval_ns = ns;
	memcpy(v->ops, delta, sizeof(v->ops));
	memset(delta, 0, sizeof(v->ops));
	return true;
}

/* Read a volume and report it. Return 0, -ENODEV if it is gone, or -ENOMEM. */
static int sample_source(struct sampler *sampler, struct source *s, struct report *report)
{
	struct counts *counts[NR_OPS] = {}, *delta[NR_OPS] = {};
	bool baseline = s->is_new && !s->from_zero, ok = true;
	enum event event = EVENT_NONE;
	__u64 stat[STAT_FIELDS], now = now_ns(), last;
	int op, r;

	r = read_source(sampler, s, stat, counts);
	if (r) {
		if (!is_gone(r) && r != -ENOMEM)
			deny(sampler, s->disk, -r);
		return is_gone(r) || r == -ENOMEM ? r : 0;
	}
	if (s->is_new && s->from_zero && !sampler->options.since_start)
		event = EVENT_NEW;
	else if (restarted(s, stat) && !s->is_new)
		event = EVENT_RESET;
	if (event)
		counts_free_ops(s->counts);
	for (op = 0; op < NR_OPS; op++) {
		if (!counts[op])
			continue;
		delta[op] = take(s, op, counts[op], &event);
		ok &= !!delta[op];
	}
	last = s->is_new ? sampler->read_ns : s->read_ns;
	memcpy(s->stat, stat, sizeof(stat));
	s->read_ns = now;
	s->is_new = false;
	if (ok && !baseline)
		ok = report_source(sampler, s, sampler->options.since_start ? 0 : now - last,
				   delta, event, report);
	counts_free_ops(delta);
	return ok ? 0 : -ENOMEM;
}

/* Report the volume with a minor number, or the volume that took its place. */
static bool sample_minor(struct sampler *sampler, unsigned int minor, struct report *report)
{
	struct source *s = sampler->sources[minor];
	int r = -ENODEV;

	if (!s->selected) {
		__u64 stat[STAT_FIELDS];

		/* the start is not seen of a volume that is renamed later */
		s->from_zero = false;
		if (s->seen)
			r = read_stat(sampler, s, stat) ?: read_name(sampler, s);
		/* its path may have come meanwhile */
		if (!r)
			select_source(sampler, s);
		if (!is_gone(r) && (r || !s->selected))
			return true;
	} else if (s->seen) {
		r = sample_source(sampler, s, report);
	}
	if (!is_gone(r))
		return !r;
	if (s->selected && !s->is_new && !report_add_gone(report, s->name))
		return false;
	sampler->sources[minor] = NULL;
	if (s->seen)
		add_source(sampler, s->disk, minor);
	source_free(sampler, s);
	s = sampler->sources[minor];
	/* if that one ended as well, the next report has what followed */
	return !s || !s->selected || sample_source(sampler, s, report) != -ENOMEM;
}

/**
 * sampler_read() - report what volumes counted since the last report
 * @sampler: the volumes
 * @report: set to the report, to be freed by report_free()
 *
 * The first report is empty, unless counts are wanted since the start of the volumes. It is
 * the baseline of the next one. A volume that starts later counts from zero.
 *
 * Return: false after an error that ends dmpstat. A volume that cannot be read is not one.
 */
bool sampler_read(struct sampler *sampler, struct report *report)
{
	__u64 now = now_ns();
	unsigned int i;

	*report = (struct report) {};
	clock_gettime(CLOCK_REALTIME, &report->time);
	if (!list_disks(sampler))
		return false;
	for (i = 0; i < sampler->nr_sources; i++)
		if (sampler->sources[i] && !sample_minor(sampler, i, report))
			return false;
	if (!sampler->options.since_start)
		report->interval_ns = now - sampler->read_ns;
	sampler->read_ns = now;
	sampler->first = false;
	report_sort(report);
	return true;
}

/* Each volume keeps a descriptor, as far as the hard limit allows. */
static long nr_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur - SPARE_FDS;
}

/**
 * sampler_new() - begin to read volumes
 * @options: what to read, copied; the names of volumes must stay
 *
 * Return: the volumes, to be freed by sampler_free(), or NULL after an error.
 */
struct sampler *sampler_new(const struct sample_options *options)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));

	if (sampler)
		sampler->matched = calloc(options->nr_volumes + 1, sizeof(bool));
	if (!sampler || !sampler->matched) {
		print_err("out of memory");
		free(sampler);
		return NULL;
	}
	sampler->options = *options;
	sampler->first = true;
	sampler->fds = nr_fds();
	if (options->joint)
		volume_init();
	sampler->dir = sysfs_open();
	if (sampler->dir < 0) {
		print_err("/sys/block: %s", strerror(errno));
		sampler_free(sampler);
		return NULL;
	}
	return sampler;
}

/**
 * sampler_nr_volumes() - number of volumes that the command line names
 * @sampler: the volumes
 *
 * Return: the number, as of the last report.
 */
unsigned int sampler_nr_volumes(const struct sampler *sampler)
{
	unsigned int i, nr = 0;

	for (i = 0; i < sampler->nr_sources; i++)
		nr += sampler->sources[i] && sampler->sources[i]->selected;
	return nr;
}

/**
 * sampler_denied() - tell whether a volume could not be read
 * @sampler: the volumes
 *
 * Return: true after an error of a volume.
 */
bool sampler_denied(const struct sampler *sampler)
{
	return sampler->denied;
}

/**
 * sampler_unmatched() - find a name on the command line that no volume had so far
 * @sampler: the volumes
 *
 * Return: the name, or NULL.
 */
const char *sampler_unmatched(const struct sampler *sampler)
{
	unsigned int i;

	for (i = 0; i < sampler->options.nr_volumes; i++)
		if (!sampler->matched[i])
			return sampler->options.volumes[i];
	return NULL;
}

/**
 * sampler_free() - end to read volumes
 * @sampler: the volumes, may be NULL
 */
void sampler_free(struct sampler *sampler)
{
	unsigned int i;

	if (!sampler)
		return;
	for (i = 0; i < sampler->nr_sources; i++)
		if (sampler->sources[i])
			source_free(sampler, sampler->sources[i]);
	if (sampler->dir >= 0)
		close(sampler->dir);
	free(sampler->sources);
	free(sampler->matched);
	free(sampler);
}
