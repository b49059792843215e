// SPDX-License-Identifier: GPL-2.0-only
/*
 * Show what volumes with the device-mapper target dmp count.
 */

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file.h"
#include "format.h"
#include "metrics.h"
#include "record.h"
#include "sample.h"
#include "svg.h"
#include "view.h"

#define NS_PER_S 1000000000.0

/* volumes whose joint histograms -M prints: each has up to 624 cells for an operation */
#define MAX_JOINT 16

/* limits of the interval in seconds: 0.1, and three years, which fit into 64 bits of ns */
#define MIN_INTERVAL 0.1
#define MAX_INTERVAL 1e8

/**
 * struct options - the command line
 * @view: how to show reports
 * @show: the view
 * @json: true for JSON instead
 * @sample: what to read
 * @time_format: 'u' for seconds since 1970, 'd' for date and time, 0 for the time of day
 * @record: file to which reports are written as JSON, or NULL
 * @replay: file from which reports are read, or NULL
 * @svg: file to which a picture is written, or NULL
 * @metrics: true for the metrics of -M instead of reports
 * @buckets: buckets of the metrics' histograms
 * @out: file to which metrics are written, NULL for stdout
 * @http: true to answer a request of HTTP
 * @interval: nanoseconds of an interval, 0 for one report since the start of the volumes
 * @count: number of reports, 0 for no limit
 */
static struct {
	struct view_options view;
	view_fn *show;
	bool json;
	struct sample_options sample;
	char time_format;
	const char *record;
	const char *replay;
	const char *svg;
	bool metrics;
	enum buckets buckets;
	const char *out;
	bool http;
	__u64 interval;
	__u64 count;
} options = {
	.view.ops = ALL_OPS,
	.show = view_table,
};

static const char usage[] =
"usage: dmpstat [OPTION]... [VOLUME]... [INTERVAL [COUNT]]\n"
"\n"
"Show requests, sizes, latencies and errors of volumes with the device-mapper target\n"
"dmp: each INTERVAL of so many seconds, or once, since the volumes began to count.\n"
"\n"
"  -l                    percentiles of latencies\n"
"  -r                    histograms of request sizes\n"
"  -w                    histograms of latencies\n"
"  -x                    joint histograms of sizes and latencies; only for root\n"
"  -J, --json            JSON, one object a line\n"
"  -a, --all             also volumes that counted nothing\n"
"  -e, --ops OP,...      only these of read, write, discard, write_zeroes, flush, zone,\n"
"                        and total, the sum of read and write\n"
"  -o, --options FIELDS  columns; +FIELDS adds to the columns of the view; help lists them\n"
"  -O, --sort KEYS       columns to sort by; -COLUMN for descending\n"
"  -S, --select QUERY    only rows that match, as in lvs; numbers are in base units\n"
"  -n, --top N           only the first N rows; sorted by requests, if there is no -O\n"
"  -H, --noheadings      no headings, columns separated by tabs\n"
"  -p, --parsable        integers in base units: bytes, nanoseconds\n"
"  -T u|d                time of reports as seconds since 1970, or with the date\n"
"      --color=WHEN      auto, always or never\n"
"      --record FILE     write reports to FILE, as -J does\n"
"      --replay FILE     show the reports in FILE; INTERVAL adds them up\n"
"      --svg FILE        write a picture of latencies over time to FILE\n"
"\n"
"  -M, --metrics         print metrics for Prometheus\n"
"      --out FILE        replace FILE by the metrics, each INTERVAL\n"
"      --http            answer a request of HTTP on stdin, for a socket unit of systemd\n"
"      --le=BUCKETS      buckets of histograms: octave, half (of an octave) or none\n"
"      --joint VOLUME    also the joint histogram of this volume; only for root\n"
"\n"
"A VOLUME is the name of a mapped device, a pattern of names, a UUID, a path, vg/lv,\n"
"dm-N or major:minor. See dmpstat(8).\n";

/* Write the time of a report above it, if there is more than one. */
static void print_headline(const struct report *report)
{
	static bool first = true;
	char text[32];
	struct tm tm;

	if (!report->interval_ns || options.view.plain)
		return;
	if (!first)
		putchar('\n');
	first = false;
	localtime_r(&report->time.tv_sec, &tm);
	strftime(text, sizeof(text), options.time_format == 'u' ? "%s" :
		 options.time_format == 'd' ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	printf("%s  %.3f s", text, report->interval_ns / NS_PER_S);
	if (report->missed)
		printf(", %llu reports missed", report->missed);
	putchar('\n');
}

static void print_footer(const struct report *report)
{
	unsigned int i;

	if (options.view.plain)
		return;
	if (report->idle)
		printf("%llu idle volume%s not shown\n", report->idle,
		       report->idle == 1 ? "" : "s");
	for (i = 0; i < report->nr_gone; i++)
		printf("%s ended\n", report->gone[i]);
}

static bool flush(FILE *f, const char *name)
{
	if (!fflush(f) && !ferror(f))
		return true;
	print_err("cannot write %s: %s", name, strerror(errno));
	return false;
}

/* Show a report: as JSON, or by a view between the time and a footer. */
static bool show(const struct report *report)
{
	bool ok = true;

	if (options.json) {
		record_print(stdout, report, options.view.ops, options.sample.joint);
	} else {
		print_headline(report);
		ok = options.show(report, &options.view);
		print_footer(report);
	}
	return flush(stdout, "the report") && ok;
}

/**
 * struct outputs - what reports are written to, apart from stdout
 * @record: file of --record, or NULL
 * @svg: picture of --svg, or NULL
 */
struct outputs {
	FILE *record;
	struct svg *svg;
};

/* This empties the file, so the names on the command line are checked before. */
static bool open_record(struct outputs *out)
{
	if (!options.record)
		return true;
	out->record = fopen(options.record, "we");
	if (!out->record)
		print_err("%s: %s", options.record, strerror(errno));
	return out->record;
}

/* Add a report to the record, or leave the record as it was before. */
static bool record(FILE *f, const struct report *report)
{
	off_t end = ftello(f);

	record_print(f, report, ALL_OPS, options.sample.joint);
	if (flush(f, options.record))
		return true;
	/* part of a line could not be replayed */
	if (end >= 0 && ftruncate(fileno(f), end))
		print_err("%s ends with part of a report", options.record);
	return false;
}

/* The picture of a live report is complete at any time, that of a replay at its end. */
static bool draw(struct svg *svg, const struct report *report)
{
	return svg_add(svg, report, options.view.ops) &&
	       (options.replay || svg_write(svg, options.svg));
}

static bool deliver(const struct outputs *out, const struct report *report)
{
	return (!out->record || record(out->record, report)) &&
	       (!out->svg || draw(out->svg, report)) && show(report);
}

/* Wait for a time, or for one of the signals that end dmpstat. Return true after a signal. */
static bool wait_until(__u64 ns, const sigset_t *ends)
{
	for (;;) {
		__u64 now = now_ns(), left = ns > now ? ns - now : 0;
		struct timespec t = { left / 1000000000, left % 1000000000 };

		if (sigtimedwait(ends, NULL, &t) >= 0)
			return true;
		if (errno == EAGAIN)
			return false;
	}
}

/* Say what the command line names and nothing is. Return false if that is an error. */
static bool check_volumes(const struct sampler *sampler)
{
	const char *name = sampler_unmatched(sampler);

	if (name)
		print_err("%s: no volume with dmp segments%s", name,
			  options.interval ? " yet" : "");
	else if (!sampler_nr_volumes(sampler) && !sampler_denied(sampler))
		print_err("no volume has dmp segments%s; dmpctl attach puts dmp under a volume",
			  options.interval ? " yet" : "");
	else if (sampler_nr_volumes(sampler))
		return true;
	return options.interval && !sampler_denied(sampler);
}

/* Write metrics to --out, or to stdout. */
static bool write_metrics(const struct report *report)
{
	FILE *f = options.out ? file_begin(options.out) : stdout;

	if (!f)
		return false;
	if (options.http)
		metrics_print_head(f, HTTP_OK);
	metrics_print(f, report, options.view.ops, options.buckets);
	return options.out ? file_end(f, options.out) : flush(f, "the metrics");
}

/* A volume that cannot be read does not keep the others from being printed. */
static bool print_metrics(void)
{
	struct sampler *sampler = sampler_new(&options.sample);
	struct report report = {};
	bool ok = sampler && sampler_read(sampler, &report);

	if (ok)
		ok = write_metrics(&report) && !sampler_denied(sampler);
	else if (options.http)
		metrics_print_head(stdout, HTTP_UNAVAILABLE);
	report_free(&report);
	sampler_free(sampler);
	return ok;
}

/*
 * The signals that end dmpstat are blocked, so that they come between reports. If SIGHUP is
 * ignored, as by nohup, it stays so.
 */
static void block_signals(sigset_t *ends)
{
	struct sigaction hangup;

	sigemptyset(ends);
	sigaddset(ends, SIGINT);
	sigaddset(ends, SIGTERM);
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN)
		sigaddset(ends, SIGHUP);
	sigprocmask(SIG_BLOCK, ends, NULL);
}

/* Deliver a report after each interval. A signal cuts the last interval short. */
static bool report_intervals(struct sampler *sampler, const struct outputs *out,
			     const sigset_t *ends)
{
	__u64 next = now_ns() + options.interval, i, missed = 0;
	bool ok = true, ended = false;
	struct report report;

	for (i = 0; ok && !ended && (!options.count || i < options.count); i++) {
		ended = wait_until(next, ends);
		/* another signal ends dmpstat at once, if nobody takes its output, say */
		if (ended)
			sigprocmask(SIG_UNBLOCK, ends, NULL);
		ok = sampler_read(sampler, &report);
		report.missed = missed;
		ok = ok && deliver(out, &report);
		report_free(&report);
		next += options.interval;
		missed = now_ns() > next ? (now_ns() - next) / options.interval + 1 : 0;
		next += missed * options.interval;
	}
	return ok;
}

static bool may_read_joint(void)
{
	if (!options.sample.joint || !geteuid())
		return true;
	if (options.metrics)
		print_err("--joint needs root");
	else
		print_err("-x needs root; -r and -w show sizes and latencies to everybody");
	return false;
}

/* With an interval, an error is no reason to end: the next time it may be gone. */
static bool run_metrics(void)
{
	__u64 next = now_ns();
	enum http status;
	sigset_t ends;
	bool ok;

	if (!may_read_joint())
		return false;
	options.sample.since_start = true;
	/* so that the rates of these begin at zero; others appear with their first request */
	options.sample.idle_ops = 1 << OP_READ | 1 << OP_WRITE;
	if (options.http) {
		status = metrics_read_request(stdin);
		if (status != HTTP_OK) {
			metrics_print_head(stdout, status);
			return flush(stdout, "the answer");
		}
	}
	if (options.interval)
		block_signals(&ends);
	do {
		ok = print_metrics();
		next += options.interval;
		/* intervals that were missed are not made up for */
		if (next < now_ns())
			next = now_ns();
	} while (options.interval && !wait_until(next, &ends));
	return ok || options.interval;
}

static bool run_live(struct outputs *out)
{
	struct report report = {};
	struct sampler *sampler;
	sigset_t ends;
	bool ok;

	if (!may_read_joint())
		return false;
	options.sample.since_start = !options.interval;
	sampler = sampler_new(&options.sample);
	if (!sampler)
		return false;
	if (options.interval)
		block_signals(&ends);
	ok = sampler_read(sampler, &report) && check_volumes(sampler) && open_record(out);
	if (ok && options.interval)
		ok = report_intervals(sampler, out, &ends);
	else if (ok)
		ok = deliver(out, &report) && !sampler_denied(sampler);
	report_free(&report);
	sampler_free(sampler);
	return ok;
}

/**
 * struct chosen - volume of a record that the command line names by its name in any report
 * @diskseq: sequence number of its disk
 * @uuid: its UUID, since another boot counts disks anew
 */
struct chosen {
	__u64 diskseq;
	char *uuid;
};

/**
 * struct choice - volumes of a record that the command line names
 * @matched: for each name, true if a report had such a volume
 * @nr: number of elements in @chosen
 * @chosen: the volumes
 */
struct choice {
	bool *matched;
	unsigned int nr;
	struct chosen *chosen;
};

static bool is_named(struct choice *choice, const struct report_volume *v)
{
	bool named = false;
	unsigned int i;

	for (i = 0; i < options.sample.nr_volumes; i++) {
		if (sample_names(options.sample.volumes[i], v->name, v->uuid, v->dev, NULL)) {
			choice->matched[i] = true;
			named = true;
		}
	}
	return named || !options.sample.nr_volumes;
}

static bool is_chosen(struct choice *choice, const struct report_volume *v)
{
	unsigned int i;

	for (i = 0; i < choice->nr; i++)
		if (choice->chosen[i].diskseq == v->diskseq &&
		    !strcmp(choice->chosen[i].uuid, v->uuid))
			return true;
	return false;
}

/* Return false if there is no memory. */
static bool choose(struct choice *choice, const struct report_volume *v)
{
	struct chosen *chosen = reallocarray(choice->chosen, choice->nr + 1, sizeof(*chosen));

	if (chosen) {
		choice->chosen = chosen;
		chosen += choice->nr;
		*chosen = (struct chosen) { v->diskseq, strdup(v->uuid) };
	}
	if (!chosen || !chosen->uuid) {
		print_err("out of memory");
		return false;
	}
	choice->nr++;
	return true;
}

static void choice_free(struct choice *choice)
{
	while (choice->nr)
		free(choice->chosen[--choice->nr].uuid);
	free(choice->chosen);
	free(choice->matched);
}

/* Remove the volumes that the command line does not name. Return false if there is no memory. */
static bool select_volumes(struct report *report, struct choice *choice)
{
	struct report_volume *v = report->volumes;
	unsigned int i, nr = 0;
	bool ok = true;

	if (!options.sample.nr_volumes)
		return true;
	for (i = 0; i < report->nr_volumes; i++) {
		struct report_volume other = v[i];
		bool chosen = is_chosen(choice, &other);

		if (!is_named(choice, &other) && !chosen)
			continue;
		ok = ok && (chosen || choose(choice, &other));
		v[i] = v[nr];
		v[nr++] = other;
	}
	report_truncate(report, nr);
	/* a record does not tell which volumes were idle */
	report->idle = 0;
	for (i = nr = 0; i < report->nr_gone; i++) {
		struct report_volume gone = { .name = report->gone[i], .uuid = "", .dev = "" };

		if (is_named(choice, &gone)) {
			report->gone[i] = report->gone[nr];
			report->gone[nr++] = gone.name;
		}
	}
	while (report->nr_gone > nr)
		free(report->gone[--report->nr_gone]);
	return ok;
}

/* Return false if the record has no volume of a name. */
static bool check_choice(const struct choice *choice)
{
	unsigned int i;

	for (i = 0; i < options.sample.nr_volumes; i++) {
		if (choice->matched[i])
			continue;
		print_err("%s: no such volume in %s", options.sample.volumes[i], options.replay);
		return false;
	}
	return true;
}

static bool deliver_sum(const struct outputs *out, struct report *sum)
{
	bool ok;

	report_sort(sum);
	ok = deliver(out, sum);
	report_free(sum);
	return ok;
}

/*
 * Show the reports of a record. With an interval, add up successive reports until their length
 * reaches it. Recorded lengths vary by some microseconds, so a sum that lacks less than half of
 * the last report counts as complete.
 */
static bool replay(FILE *in, const struct outputs *out, struct choice *choice)
{
	struct report sum = {}, report;
	__u64 nr = 0, shown = 0, len;
	bool ok = true, pending = false;
	char *line = NULL;
	size_t size = 0;

	while (ok && (!options.count || shown < options.count) && getline(&line, &size, in) > 0) {
		nr++;
		if (!record_parse(line, &report)) {
			print_err("%s: line %llu: not a report of dmpstat", options.replay, nr);
			ok = false;
			break;
		}
		len = report.interval_ns;
		ok = select_volumes(&report, choice) && report_add(&sum, &report);
		report_free(&report);
		pending = ok;
		/* a report since the start of the volumes has no length */
		if (!ok || (len && sum.interval_ns + len / 2 < options.interval))
			continue;
		ok = deliver_sum(out, &sum);
		pending = false;
		shown++;
	}
	/* the record may end within an interval, or within a report */
	if (pending)
		ok = deliver_sum(out, &sum) && ok;
	if (ferror(in) || (ok && !nr)) {
		print_err("%s: %s", options.replay, ferror(in) ? strerror(errno) : "has no report");
		ok = false;
	}
	report_free(&sum);
	free(line);
	return ok;
}

static bool run_replay(struct outputs *out)
{
	struct choice choice = { .matched = calloc(options.sample.nr_volumes + 1, sizeof(bool)) };
	FILE *in = fopen(options.replay, "re");
	bool ok = in && choice.matched;

	if (!in)
		print_err("%s: %s", options.replay, strerror(errno));
	else if (!ok)
		print_err("out of memory");
	ok = ok && open_record(out) && replay(in, out, &choice) && check_choice(&choice) &&
	     (!out->svg || svg_write(out->svg, options.svg));
	choice_free(&choice);
	if (in)
		fclose(in);
	return ok;
}

static bool parse_ops(char *list)
{
	char *name, *next = list;
	int op;

	options.view.ops = 0;
	while ((name = strsep(&next, ","))) {
		op = op_find(name);
		if (op < 0) {
			print_err("unknown operation %s, expected read, write, discard, write_zeroes, flush, zone or total",
				  name);
			return false;
		}
		options.view.ops |= 1 << op;
	}
	return true;
}

static bool parse_buckets(const char *name)
{
	static const char *const names[] = {
		[BUCKETS_OCTAVE] = "octave", [BUCKETS_HALF] = "half", [BUCKETS_NONE] = "none",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i])) {
			options.buckets = i;
			return true;
		}
	}
	print_err("--le %s: expected octave, half or none", name);
	return false;
}

static bool parse_joint(char *name)
{
	static char *names[MAX_JOINT];

	if (strpbrk(name, "*?[")) {
		print_err("--joint %s: expected a volume, not a pattern", name);
		return false;
	}
	if (options.sample.nr_joint_volumes == MAX_JOINT) {
		print_err("--joint: expected at most %d volumes", MAX_JOINT);
		return false;
	}
	names[options.sample.nr_joint_volumes++] = name;
	options.sample.joint_volumes = names;
	options.sample.joint = true;
	return true;
}

static bool parse_count(const char *text, __u64 max, __u64 *n, const char *what)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	/* strtoull() takes a sign, too */
	if (errno || *end || strspn(text, "0123456789") != strlen(text) || !*n || *n > max) {
		print_err("%s %s: expected a number from 1 on", what, text);
		return false;
	}
	return true;
}

/* Colors are for terminals; https://no-color.org and dumb terminals are respected. */
static bool parse_color(const char *when)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!strcmp(when, "auto")) {
		options.view.color = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
				     strcmp(term, "dumb");
	} else if (!strcmp(when, "always") || !strcmp(when, "never")) {
		options.view.color = *when == 'a';
	} else {
		print_err("--color %s: expected auto, always or never", when);
		return false;
	}
	return true;
}

/* 5 and nan are numbers, and /dev/mapper/5 is a volume */
static bool is_number(const char *text)
{
	char *end;

	strtod(text, &end);
	return *text && !*end;
}

static bool parse_interval(const char *text)
{
	double s = strtod(text, NULL);

	if (!isfinite(s) || s < MIN_INTERVAL || s > MAX_INTERVAL) {
		print_err("interval %s: expected seconds, from %g to %.0f", text, MIN_INTERVAL,
			  MAX_INTERVAL);
		return false;
	}
	options.interval = s * NS_PER_S;
	return true;
}

/* Take interval and count from the end of the arguments; the others are volumes. */
static bool parse_arguments(char **args, int nr)
{
	int numbers = 0;

	while (numbers < 2 && numbers < nr && is_number(args[nr - 1 - numbers]))
		numbers++;
	if (numbers && !parse_interval(args[nr - numbers]))
		return false;
	if (numbers == 2 && !parse_count(args[nr - 1], UINT64_MAX, &options.count, "count"))
		return false;
	options.sample.volumes = args;
	options.sample.nr_volumes = nr - numbers;
	return true;
}

/**
 * enum - values of long options without a letter
 * @OPT_COLOR: --color
 * @OPT_RECORD: --record
 * @OPT_REPLAY: --replay
 * @OPT_SVG: --svg
 * @OPT_OUT: --out
 * @OPT_HTTP: --http
 * @OPT_LE: --le
 * @OPT_JOINT: --joint
 */
enum {
	OPT_COLOR = 256,
	OPT_RECORD,
	OPT_REPLAY,
	OPT_SVG,
	OPT_OUT,
	OPT_HTTP,
	OPT_LE,
	OPT_JOINT,
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'J' },
	{ "all", no_argument, NULL, 'a' },
	{ "ops", required_argument, NULL, 'e' },
	{ "options", required_argument, NULL, 'o' },
	{ "sort", required_argument, NULL, 'O' },
	{ "select", required_argument, NULL, 'S' },
	{ "top", required_argument, NULL, 'n' },
	{ "noheadings", no_argument, NULL, 'H' },
	{ "parsable", no_argument, NULL, 'p' },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "metrics", no_argument, NULL, 'M' },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "http", no_argument, NULL, OPT_HTTP },
	{ "le", required_argument, NULL, OPT_LE },
	{ "joint", required_argument, NULL, OPT_JOINT },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static bool parse_option(int c, bool *all)
{
	__u64 n;

	switch (c) {
	case 'l':
		options.show = view_latencies;
		return true;
	case 'r':
		options.show = view_size_chart;
		return true;
	case 'w':
		options.show = view_latency_chart;
		return true;
	case 'x':
		options.show = view_joint_chart;
		options.sample.joint = true;
		return true;
	case 'J':
		options.json = true;
		return true;
	case 'a':
		*all = true;
		return true;
	case 'e':
		return parse_ops(optarg);
	case 'o':
		options.view.fields = optarg;
		return true;
	case 'O':
		options.view.keys = optarg;
		return true;
	case 'S':
		options.view.selection = optarg;
		return true;
	case 'n':
		if (!parse_count(optarg, UINT32_MAX - 1, &n, "-n"))
			return false;
		options.view.top = n;
		return true;
	case 'H':
		options.view.plain = true;
		return true;
	case 'p':
		options.view.raw = true;
		return true;
	case 'T':
		options.time_format = *optarg;
		if (strcmp(optarg, "u") && strcmp(optarg, "d")) {
			print_err("-T %s: expected u or d", optarg);
			return false;
		}
		return true;
	case OPT_COLOR:
		return parse_color(optarg);
	case OPT_RECORD:
		options.record = optarg;
		return true;
	case OPT_REPLAY:
		options.replay = optarg;
		return true;
	case OPT_SVG:
		options.svg = optarg;
		return true;
	case 'M':
		options.metrics = true;
		return true;
	case OPT_OUT:
		options.out = optarg;
		return true;
	case OPT_HTTP:
		options.http = true;
		return true;
	case OPT_LE:
		return parse_buckets(optarg);
	case OPT_JOINT:
		return parse_joint(optarg);
	default:
		return false;
	}
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat st, other;

	return !stat(a, &st) && !stat(b, &other) && st.st_dev == other.st_dev &&
	       st.st_ino == other.st_ino;
}

/* Combinations that make no sense. */
static bool check_options(void)
{
	const char *error = NULL;

	if (!options.metrics && (options.out || options.http || options.sample.nr_joint_volumes))
		error = "--out, --http and --joint are for -M";
	else if (options.metrics && (options.record || options.replay || options.svg))
		error = "-M cannot be combined with --record, --replay and --svg";
	else if (options.http && (options.out || options.interval))
		error = "--http answers one request, without --out and interval";
	else if (options.metrics && options.interval && !options.out)
		error = "-M with an interval needs --out FILE";
	else if (options.metrics && options.count)
		error = "-M takes no count";
	else if (options.metrics && options.sample.joint && !options.sample.nr_joint_volumes)
		error = "-M takes --joint VOLUME instead of -x";
	else if (options.metrics && (options.view.ops & 1 << OP_TOTAL))
		error = "-M has no total: add up read and write";
	else if (options.record && options.replay && is_same_file(options.record, options.replay))
		error = "--record would overwrite the file of --replay";
	if (error)
		print_err("%s", error);
	return !error;
}

static bool parse_options(int argc, char **argv)
{
	bool all = false;
	int c;

	parse_color("auto");
	while ((c = getopt_long(argc, argv, "lrwxJMae:o:O:S:n:HpT:h", long_options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (!parse_option(c, &all)) {
			if (c == '?')
				fputs("See dmpstat --help.\n", stderr);
			return false;
		}
	}
	if (all && (options.view.ops & 1 << OP_TOTAL))
		options.sample.idle_ops = options.view.ops | 1 << OP_READ | 1 << OP_WRITE;
	else if (all)
		options.sample.idle_ops = options.view.ops == ALL_OPS ?
			1 << OP_READ | 1 << OP_WRITE : options.view.ops;
	return parse_arguments(argv + optind, argc - optind) && check_options();
}

int main(int argc, char **argv)
{
	struct outputs out = {};
	bool ok;

	if (!parse_options(argc, argv))
		return 2;
	if (options.metrics)
		return run_metrics() ? 0 : 1;
	if (table_help(&options.view))
		return 0;
	if (!table_check(&options.view))
		return 2;
	if (options.svg) {
		out.svg = svg_new();
		if (!out.svg)
			return 1;
	}
	ok = options.replay ? run_replay(&out) : run_live(&out);
	if (out.record && fclose(out.record)) {
		print_err("cannot write %s: %s", options.record, strerror(errno));
		ok = false;
	}
	svg_free(out.svg);
	return ok ? 0 : 1;
}
