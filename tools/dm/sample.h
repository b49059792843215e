/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports of the volumes on this host, from sysfs.
 */

#ifndef DM_SAMPLE_H
#define DM_SAMPLE_H

#include "report.h"

/**
 * struct sample_options - what to read
 * @volumes: names of volumes as on the command line
 * @nr_volumes: number of elements in @volumes; 0 for all volumes
 * @since_start: true to count from the start of each volume, not from the first report
 * @idle_ops: bitmap of operations that are reported even if they counted nothing
 * @joint: true to read joint histograms, too; needs CAP_SYS_ADMIN
 * @joint_volumes: names of the volumes whose joint histograms are read
 * @nr_joint_volumes: number of elements in @joint_volumes; 0 for all volumes
 */
struct sample_options {
	char **volumes;
	unsigned int nr_volumes;
	bool since_start;
	unsigned int idle_ops;
	bool joint;
	char **joint_volumes;
	unsigned int nr_joint_volumes;
};

struct sampler;

__u64 now_ns(void);

struct sampler *sampler_new(const struct sample_options *options);
bool sampler_read(struct sampler *sampler, struct report *report);
unsigned int sampler_nr_volumes(const struct sampler *sampler);
bool sampler_denied(const struct sampler *sampler);
const char *sampler_unmatched(const struct sampler *sampler);
bool sample_names(const char *arg, const char *name, const char *uuid, const char *disk,
		  const char *dev);
void sampler_free(struct sampler *sampler);

#endif /* DM_SAMPLE_H */
