// SPDX-License-Identifier: GPL-2.0-only
/*
 * A target that has the name of dmp already.
 */

#include <linux/device-mapper.h>
#include <linux/module.h>

static int taken_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	return -EINVAL;
}

static void taken_dtr(struct dm_target *ti)
{
}

static int taken_map(struct dm_target *ti, struct bio *bio)
{
	return DM_MAPIO_KILL;
}

static struct target_type taken_target = {
	.name		= "dmp",
	.version	= {0, 0, 0},
	.module		= THIS_MODULE,
	.ctr		= taken_ctr,
	.dtr		= taken_dtr,
	.map		= taken_map,
};
module_dm(taken);

MODULE_DESCRIPTION("device-mapper target that takes the name of dmp");
MODULE_LICENSE("GPL");
