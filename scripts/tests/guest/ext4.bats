#!/usr/bin/env bats
# Real input: a file system with the kernel's Documentation on it.

bats_require_minimum_version 1.5.0
load ../guest

sums()
{
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

@test "ext4 through the proxy is the same below it" {
	mkdir -p /run/mnt
	dev=$(loop 256M)
	create dmp1 "$dev"
	mkfs.ext4 -q /dev/mapper/dmp1
	mount /dev/mapper/dmp1 /run/mnt
	cp -r "$DMP_KERNEL/Documentation" /run/mnt
	sync
	umount /run/mnt
	e2fsck -f -n /dev/mapper/dmp1
	equal "read, dmp and block layer" "$(counts dmp1 read)" "$(block_counts dmp1 read) 0"
	# what the block layer takes for a write
	for op in write write_zeroes flush; do
		counts dmp1 $op
	done | awk '{ reqs += $1; bytes += $2 } END { print reqs, bytes }' >"$TMPDIR/writes"
	equal "write, dmp and block layer" "$(cat "$TMPDIR/writes")" "$(block_counts dmp1 write)"
	dmsetup remove dmp1

	e2fsck -f -n "$dev"
	mount -o ro "$dev" /run/mnt
	files=$(find /run/mnt/Documentation -type f | wc -l)
	echo "$files files"
	[ "$files" -gt 5000 ]
	sums "$DMP_KERNEL/Documentation" >"$TMPDIR/above"
	sums /run/mnt/Documentation >"$TMPDIR/below"
	cmp "$TMPDIR/above" "$TMPDIR/below"
}
