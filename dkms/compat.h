/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels from 6.1 on lack of what dmp uses.
 *
 * Kbuild includes this before each source file. Stable kernels and distributions
 * backport, so nothing here asks for a version: a macro that is missing shows itself,
 * and DMP_OLD_* say which older prototypes Kbuild found in the kernel's headers. On a
 * kernel that lacks nothing this defines nothing.
 *
 * A callback is defined and named in one place each. A function-like macro of its name
 * replaces the parameters in the definition, which has a parenthesis after the name, and
 * leaves the other place alone. So the callback has the prototype by which the kernel
 * calls it, as control-flow integrity requires.
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

/* 6.16: an older kernel refuses atomic writes to every target */
#ifndef DM_TARGET_ATOMIC_WRITES
#define DM_TARGET_ATOMIC_WRITES	0
#endif

/* 6.16 */
#ifdef DMP_OLD_PREPARE_IOCTL
#define dmp_prepare_ioctl(...) \
	dmp_prepare_ioctl(struct dm_target *ti, struct block_device **bdev)
#endif

/* 6.17; without CONFIG_FS_DAX the target has no such function */
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
