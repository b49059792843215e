/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Picture of latencies over time, as SVG.
 */

#ifndef DM_SVG_H
#define DM_SVG_H

#include "report.h"

struct svg;

struct svg *svg_new(void);
bool svg_add(struct svg *svg, const struct report *report, unsigned int ops);
bool svg_write(const struct svg *svg, const char *path);
void svg_free(struct svg *svg);

#endif /* DM_SVG_H */
