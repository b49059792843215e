// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts of dmp volumes as the text that Prometheus scrapes, version 0.0.4 of the format.
 *
 * The text has one family after the other, so each family is a loop over all volumes.
 */

#include <string.h>
#include <unistd.h>

#include "format.h"
#include "metrics.h"

#define NS_PER_S 1000000000ULL

/* longest request of a scraper, and seconds that it has to send it, and to take the answer */
#define MAX_REQUEST 8192
#define MAX_SECONDS 10
#define MAX_SECONDS_ANSWER 60

/**
 * struct printer - state of printing a family
 * @f: file
 * @buckets: buckets of histograms
 */
struct printer {
	FILE *f;
	enum buckets buckets;
};

static void print_head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_label(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s=\"", name);
	print_escaped(f, value, ESCAPE_LABEL);
	putc('"', f);
}

/* Print name and labels of a sample; the caller adds labels, the brace and the value. */
static void print_sample(FILE *f, const char *name, const struct report_volume *v, enum op op)
{
	fprintf(f, "%s{", name);
	print_label(f, "volume", v->name);
	fprintf(f, ",op=\"%s\"", op_names[op]);
}

static void print_seconds(FILE *f, __u64 ns)
{
	fprintf(f, "%llu.%09llu", ns / NS_PER_S, ns % NS_PER_S);
}

static void print_info(FILE *f, const struct report *report)
{
	unsigned int i;

	print_head(f, "dmp_volume_info", "gauge", "Volume with the device-mapper target dmp.");
	for (i = 0; i < report->nr_volumes; i++) {
		const struct report_volume *v = &report->volumes[i];

		fputs("dmp_volume_info{", f);
		print_label(f, "volume", v->name);
		putc(',', f);
		print_label(f, "device", v->dev);
		putc(',', f);
		print_label(f, "uuid", v->uuid);
		fputs("} 1\n", f);
	}
}

static bool print_errors(const struct report_volume *v, enum op op, const struct counts *c,
			 void *data)
{
	struct printer *p = data;

	print_sample(p->f, "dmp_request_errors_total", v, op);
	fprintf(p->f, "} %llu\n", c->errors);
	return true;
}

/* The kernel's buckets end before a size, and le includes it: 4096 is in le="8191". */
static bool print_sizes(const struct report_volume *v, enum op op, const struct counts *c,
			void *data)
{
	__u64 reqs = sum_of(c->sizes, NR_SIZES), sum = 0;
	struct printer *p = data;
	unsigned int i;

	for (i = 0; p->buckets != BUCKETS_NONE && size_end(i); i++) {
		sum += c->sizes[i];
		print_sample(p->f, "dmp_request_size_bytes_bucket", v, op);
		fprintf(p->f, ",le=\"%llu\"} %llu\n", size_end(i) - 1, sum);
	}
	print_sample(p->f, "dmp_request_size_bytes_bucket", v, op);
	fprintf(p->f, ",le=\"+Inf\"} %llu\n", reqs);
	print_sample(p->f, "dmp_request_size_bytes_sum", v, op);
	fprintf(p->f, "} %llu\n", c->bytes);
	print_sample(p->f, "dmp_request_size_bytes_count", v, op);
	fprintf(p->f, "} %llu\n", reqs);
	return true;
}

static bool has_end(enum buckets buckets, unsigned int bucket)
{
	/* an octave ends with each second bucket */
	return buckets == BUCKETS_HALF || (buckets == BUCKETS_OCTAVE && bucket % 2 == 0);
}

/* A latency of exactly le is in the next bucket: this is one nanosecond off. */
static bool print_latencies(const struct report_volume *v, enum op op, const struct counts *c,
			    void *data)
{
	__u64 timed = sum_of(c->latencies, NR_LATENCIES), sum = 0;
	struct printer *p = data;
	unsigned int i;

	if (!c->timed)
		return true;
	for (i = 0; latency_end(i); i++) {
		sum += c->latencies[i];
		if (!has_end(p->buckets, i))
			continue;
		print_sample(p->f, "dmp_request_duration_seconds_bucket", v, op);
		fputs(",le=\"", p->f);
		print_seconds(p->f, latency_end(i));
		fprintf(p->f, "\"} %llu\n", sum);
	}
	print_sample(p->f, "dmp_request_duration_seconds_bucket", v, op);
	fprintf(p->f, ",le=\"+Inf\"} %llu\n", timed);
	print_sample(p->f, "dmp_request_duration_seconds_sum", v, op);
	fputs("} ", p->f);
	print_seconds(p->f, c->latency_ns);
	print_sample(p->f, "\ndmp_request_duration_seconds_count", v, op);
	fprintf(p->f, "} %llu\n", timed);
	return true;
}

static bool print_joint(const struct report_volume *v, enum op op, const struct counts *c,
			void *data)
{
	struct printer *p = data;
	unsigned int i, j;

	for (i = 0; c->joint && i < NR_SIZES; i++) {
		for (j = 0; j < NR_LATENCIES; j++) {
			if (!c->joint[i][j])
				continue;
			print_sample(p->f, "dmp_request_size_duration_total", v, op);
			fprintf(p->f, ",size=\"%llu\",duration=\"", size_floor(op, i));
			print_seconds(p->f, latency_floor(j));
			fprintf(p->f, "\"} %llu\n", c->joint[i][j]);
		}
	}
	return true;
}

static bool has_joint(const struct report_volume *v, enum op op, const struct counts *c, void *data)
{
	/* false ends the loop of report_rows() */
	return !c->joint;
}

/**
 * metrics_print() - print counts as metrics
 * @f: file
 * @report: counts since the start of the volumes
 * @ops: bitmap of operations
 * @buckets: buckets of histograms
 */
void metrics_print(FILE *f, const struct report *report, unsigned int ops, enum buckets buckets)
{
	struct printer p = { .f = f, .buckets = buckets };

	print_info(f, report);
	print_head(f, "dmp_request_errors_total", "counter", "Requests that failed.");
	report_rows(report, ops, print_errors, &p);
	print_head(f, "dmp_request_size_bytes", "histogram", "Requests by size.");
	report_rows(report, ops, print_sizes, &p);
	print_head(f, "dmp_request_duration_seconds", "histogram",
		   "Completed requests by latency, from map to completion.");
	report_rows(report, ops, print_latencies, &p);
	if (report_rows(report, ops, has_joint, NULL))
		return;
	print_head(f, "dmp_request_size_duration_total", "counter",
		   "Completed requests of a size and a latency from these on.");
	report_rows(report, ops, print_joint, &p);
}

/* Read the request line, and skip the headers after it. */
static bool read_request(FILE *in, char line[MAX_REQUEST])
{
	char header[MAX_REQUEST];
	size_t len;

	if (!fgets(line, MAX_REQUEST, in))
		return false;
	len = strlen(line);
	while (fgets(header, sizeof(header), in)) {
		if (!strcmp(header, "\r\n") || !strcmp(header, "\n"))
			return true;
		len += strlen(header);
		if (len > MAX_REQUEST)
			return false;
	}
	return false;
}

/**
 * metrics_read_request() - read a request by HTTP
 * @in: file from which the request is read
 *
 * SIGALRM ends the process if the request or the answer takes too long.
 *
 * Return: kind of the answer.
 */
enum http metrics_read_request(FILE *in)
{
	char line[MAX_REQUEST], method[8], path[16];
	bool found;

	/* nobody waits for a scraper that sends nothing */
	alarm(MAX_SECONDS);
	found = read_request(in, line);
	alarm(MAX_SECONDS_ANSWER);
	if (!found || sscanf(line, "%7s %15[^? \r\n]", method, path) != 2)
		return HTTP_BAD_REQUEST;
	if (strcmp(path, "/metrics"))
		return HTTP_NOT_FOUND;
	if (!strcmp(method, "HEAD"))
		return HTTP_HEAD;
	return strcmp(method, "GET") ? HTTP_BAD_METHOD : HTTP_OK;
}

/**
 * metrics_print_head() - write the head of an answer by HTTP
 * @f: file
 * @status: kind of the answer
 *
 * There is no length: the end of the connection is the end of the answer.
 */
void metrics_print_head(FILE *f, enum http status)
{
	static const char *const lines[] = {
		[HTTP_OK] = "200 OK",
		[HTTP_HEAD] = "200 OK",
		[HTTP_BAD_REQUEST] = "400 Bad Request",
		[HTTP_NOT_FOUND] = "404 Not Found",
		[HTTP_BAD_METHOD] = "405 Method Not Allowed\r\nAllow: GET, HEAD",
		[HTTP_UNAVAILABLE] = "503 Service Unavailable",
	};

	fprintf(f, "HTTP/1.0 %s\r\n", lines[status]);
	fputs("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n\r\n", f);
	if (status == HTTP_UNAVAILABLE)
		fputs("cannot read the volumes\n", f);
	else if (status > HTTP_HEAD)
		fputs("expected: GET /metrics\n", f);
}
