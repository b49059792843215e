/* SPDX-License-Identifier: GPL-2.0-only */
/* For kernels before 6.2. The KUnit suite is not built out of tree. */

#ifndef DMP_COMPAT_KUNIT_VISIBILITY_H
#define DMP_COMPAT_KUNIT_VISIBILITY_H

#define VISIBLE_IF_KUNIT static
#define EXPORT_SYMBOL_IF_KUNIT(symbol)

#endif /* DMP_COMPAT_KUNIT_VISIBILITY_H */
