#!/usr/bin/env bats
# Power cuts: after any flush, a file system recovers with all that fsync has promised, as it
# does over dm-linear. dm-log-writes below the volume logs writes in the order in which a write
# cache gives them up.

bats_require_minimum_version 1.5.0
load ../guest

# sectors of a file system, and files that each of two writers stores on it
size=614400
files=4

setup_file()
{
	gcc -O1 -Wall -Wextra -o "$TMPDIR/replay" "$BATS_TEST_DIRNAME/../replay.c"
}

teardown()
{
	end_background
	! mountpoint -q /run/mnt || umount /run/mnt
	# from the top of the stack down
	for name in cut dmp1 log; do
		! dmsetup info $name >/dev/null 2>&1 || dmsetup remove --retry $name
	done
	guest_teardown
}

# logged_volume TARGET: dmp1, a volume of a target over the loop device $disk, with the log of
# its writes on $log
logged_volume()
{
	dmsetup create log --table "0 $size log-writes $disk $log"
	dmsetup create dmp1 --table "0 $size $1 /dev/mapper/log 0"
}

# end_log: remove the volume, and list the entries of the log in $TMPDIR/entries
end_log()
{
	dmsetup remove dmp1
	dmsetup remove log
	"$TMPDIR/replay" "$log" >"$TMPDIR/entries"
}

# store NUMBER NAME: put the file $TMPDIR/NAME on the file system for good, in one of three ways
store()
{
	local from=$TMPDIR/$2 to=/run/mnt/$2
	case $(($1 % 3)) in
	0) dd if="$from" of="$to" bs=64k conv=fsync status=none ;;
	1) dd if="$from" of="$to" bs=4k oflag=sync status=none ;;
	2)
		dd if="$from" of="$to.new" bs=64k conv=fsync status=none
		mv "$to.new" "$to"
		sync /run/mnt
		;;
	esac
}

# writer NAME: store files; each has a mark in the log when that is done, and its checksum in
# $TMPDIR/sums
writer()
{
	local n name
	RANDOM=1
	for n in $(seq $files); do
		name=$1$n
		head -c $((RANDOM * 3)) /dev/urandom >"$TMPDIR/$name"
		(cd "$TMPDIR" && sha256sum "$name" >"sums/$name")
		store "$n" "$name"
		dmsetup message log 0 mark "$name"
		rm "$TMPDIR/$name"
	done
}

# other_files: make and remove files that need not last
other_files()
{
	while [ -e "$TMPDIR/run" ]; do
		cp -r "$DMP_TOP/scripts/lib" /run/mnt/lib
		rm -r /run/mnt/lib
	done
}

# write_files: the load of a test
write_files()
{
	local other writers=()
	rm -rf "$TMPDIR/sums"
	mkdir "$TMPDIR/sums"
	mount /dev/mapper/dmp1 /run/mnt
	touch "$TMPDIR/run"
	other_files &
	other=$!
	writer a &
	writers+=($!)
	writer b &
	writers+=($!)
	wait "${writers[0]}"
	wait "${writers[1]}"
	rm "$TMPDIR/run"
	wait $other
	umount /run/mnt
}

# cuts: print the entries after which the power is cut: marks, flushes and FUA writes; all of
# them in a full run, else some of each kind. After a mark, nothing is logged but what fsync has
# already waited for.
cuts()
{
	local some=1000000 kind
	[ "${DMP_STORM:-}" ] || some=2
	for kind in M '[FU]'; do
		awk -v kind="$kind" '$2 ~ kind { print $1 }' "$TMPDIR/entries" |
			shuf -n $some --random-source=/bin/bash
	done | sort -n
}

# recovers FS ENTRY: the file system on $replayed recovers, and has the files that were stored
# before an entry
recovers()
{
	# what recovery writes goes to a snapshot
	dmsetup create cut --table "0 $size snapshot $replayed $changes N 8"
	mount /dev/mapper/cut /run/mnt
	awk -v entry="$2" '$1 <= entry && $2 == "M" && $3 != "dm-log-writes-end" { print $3 }' \
		"$TMPDIR/entries" >"$TMPDIR/marked"
	if [ -s "$TMPDIR/marked" ]; then
		(cd "$TMPDIR/sums" && xargs cat) <"$TMPDIR/marked" >"$TMPDIR/expected"
		(cd /run/mnt && sha256sum --check --quiet "$TMPDIR/expected")
	fi
	umount /run/mnt
	is_clean "$1" /dev/mapper/cut
	dmsetup remove cut
}

# survives_power_cuts FS: over both targets
survives_power_cuts()
{
	local target last cut
	mkdir -p /run/mnt
	for target in linear dmp; do
		truncate -s $((size * 512)) "$TMPDIR/disk.img"
		"mkfs.$1" -q "$TMPDIR/disk.img"
		cp --sparse=always "$TMPDIR/disk.img" "$TMPDIR/replayed.img"
		disk=$(losetup --find --show "$TMPDIR/disk.img")
		replayed=$(losetup --find --show "$TMPDIR/replayed.img")
		log=$(loop 512M)
		changes=$(loop 128M)
		logged_volume $target
		write_files
		end_log
		equal marks "$(awk '$2 == "M"' "$TMPDIR/entries" | wc -l)" $((2 * files + 1))
		last=0
		cuts >"$TMPDIR/cuts"
		while read -r cut; do
			echo "$target, after entry $cut"
			"$TMPDIR/replay" "$log" "$replayed" $((last + 1)) "$cut"
			recovers "$1" "$cut"
			last=$cut
		done <"$TMPDIR/cuts"
		echo "# $target: $(awk '{ print $2 }' "$TMPDIR/entries" | sort | uniq -c | xargs)," \
			"$(wc -l <"$TMPDIR/cuts") power cuts" >&3
		losetup -D
		rm "$TMPDIR"/*.img
	done
}

@test "ext4 recovers from a power cut at each flush" {
	survives_power_cuts ext4
}

@test "xfs recovers from a power cut at each flush" {
	survives_power_cuts xfs
}

# raw_writes: without a file system
raw_writes()
{
	local n to=of=/dev/mapper/dmp1
	for n in 1 2 3 4 5; do
		dd if=/dev/urandom $to bs=12k seek="$n" count=1 oflag=direct status=none
		dd if=/dev/urandom $to bs=4k seek=$((100 * n)) count=3 oflag=direct,dsync status=none
		dd if=/dev/urandom $to bs=64k seek=$((10 * n)) count=2 oflag=direct conv=fsync status=none
		blkdiscard -o $((n * 8))M -l 64k /dev/mapper/dmp1
	done
}

@test "flushes, FUA writes and discards reach the device as through dm-linear" {
	local target
	for target in linear dmp; do
		disk=$(loop 300M)
		log=$(loop 16M)
		logged_volume $target
		raw_writes
		end_log
		mv "$TMPDIR/entries" "$TMPDIR/entries.$target"
		losetup -D
	done
	diff "$TMPDIR"/entries.{linear,dmp}
	for flag in F U D; do
		[ "$(awk -v flag=$flag '$2 ~ flag' "$TMPDIR/entries.dmp" | wc -l)" -ge 5 ]
	done
}
