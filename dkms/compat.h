/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interfaces that dmp uses and that some kernels from 6.1 on lack.
 *
 * Kbuild includes this file before each source file. Stable kernels and distributions
 * backport interfaces, so no condition here is a version: #ifndef finds a missing macro,
 * and Kbuild defines DMP_OLD_* for each older prototype in the kernel's headers. On the
 * newest kernel this file defines nothing.
 *
 * The name of a callback comes twice: in its definition, before a parenthesis, and where
 * its address is taken. A function-like macro of that name replaces the parameters of the
 * definition only. So the callback has the prototype of the kernel's call, as control-flow
 * integrity requires.
 */

#ifndef DMP_COMPAT_H
#define DMP_COMPAT_H

#include <linux/device-mapper.h>
#include <linux/slab.h>

/* 7.0 */
#ifndef kzalloc_obj
#define kzalloc_obj(obj)	((typeof(obj) *)kzalloc(sizeof(obj), GFP_KERNEL))
#endif
#ifndef kvzalloc_obj
#define kvzalloc_obj(obj)	((typeof(obj) *)kvzalloc(sizeof(obj), GFP_KERNEL))
#endif

/* 6.16: an older kernel refuses atomic writes to every volume */
#ifndef DM_TARGET_ATOMIC_WRITES
#define DM_TARGET_ATOMIC_WRITES	0
#endif

/* added by the series: without it, each write with a preflush becomes a flush and a write */
#ifndef DM_TARGET_PASSES_PREFLUSH
#define DM_TARGET_PASSES_PREFLUSH	0
#endif

/* 6.16 */
#ifdef DMP_OLD_PREPARE_IOCTL
#define dmp_prepare_ioctl(...) \
	dmp_prepare_ioctl(struct dm_target *ti, struct block_device **bdev)
#endif

/* 6.17; without CONFIG_FS_DAX dmp_dax_direct_access is defined as NULL */
#if defined(DMP_OLD_DIRECT_ACCESS) && IS_ENABLED(CONFIG_FS_DAX)
#define dmp_dax_direct_access(...) \
	dmp_dax_direct_access(struct dm_target *ti, pgoff_t pgoff, long nr_pages, \
			      enum dax_access_mode mode, void **kaddr, pfn_t *pfn)
#endif

/* 6.14 */
#ifdef DMP_OLD_MODULE_ATTRIBUTE
#define volumes_show(...) \
	volumes_show(struct module_attribute *attr, struct module_kobject *mk, char *page)
#endif

#endif /* DMP_COMPAT_H */
