#!/usr/bin/env bats
# The source of dmp names whatever that of dm-linear of the same tree names: features,
# operations and settings of a target. That they work is tested in guest/, but for those that
# no device here can show (inline encryption, secure erase, DAX).

bats_require_minimum_version 1.5.0

setup()
{
	linear=$DMP_KERNEL/drivers/md/dm-linear.c
	dmp=$DMP_KERNEL+dmp/drivers/md/dm-dmp.c
}

# missing PATTERN [EXCEPT]: what dm-linear has of PATTERN and dmp has not
missing()
{
	grep -oE "$1" "$linear" | sort -u |
		grep -vxF -e "${2:-}" -e "$(grep -oE "$1" "$dmp" | sort -u)" || true
}

@test "the source names every target feature of dm-linear" {
	grep -q DM_TARGET_PASSES_CRYPTO "$linear"
	[ -z "$(missing 'DM_TARGET_[A-Z_]+')" ]
}

@test "the source names every target operation of dm-linear" {
	grep -q '^	\.dax_recovery_write' "$linear"
	[ -z "$(missing '^	\.[a-z_]+')" ]
}

@test "the source names every target setting of dm-linear, all but that flushes bypass it" {
	grep -q 'ti->num_secure_erase_bios' "$linear"
	[ -z "$(missing 'ti->[a-z_]+ = (1|true);' 'ti->flush_bypasses_map = true;')" ]
}
