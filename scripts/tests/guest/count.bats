#!/usr/bin/env bats
# The counts are those of what was sent, to the last request and byte.

bats_require_minimum_version 1.5.0
load ../guest

@test "nothing sent, nothing counted" {
	create dmp1 "$(loop 8M)"
	equal status "$(dmsetup status dmp1)" \
		"0 16384 dmp read 0 0 0 write 0 0 0 discard 0 0 0 write_zeroes 0 0 0 flush 0 0 0 zone 0 0 0"
}

@test "direct reads and writes of known size and number" {
	create dmp1 "$(loop 64M)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=100 oflag=direct
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=64k count=7 oflag=direct
	dd if=/dev/mapper/dmp1 of=/dev/null bs=512 count=1001 iflag=direct
	dd if=/dev/mapper/dmp1 of=/dev/null bs=128k count=33 iflag=direct
	equal write "$(counts dmp1 write)" "107 $((100 * 4096 + 7 * 65536)) 0"
	equal read "$(counts dmp1 read)" "1034 $((1001 * 512 + 33 * 131072)) 0"
	equal "block layer, write" "$(block_counts dmp1 write)" "107 $((100 * 4096 + 7 * 65536))"
	equal "block layer, read" "$(block_counts dmp1 read)" "1034 $((1001 * 512 + 33 * 131072))"
}

@test "average sizes round down" {
	# what the module sums begins with its load
	! lsmod | grep -q '^dmp ' || rmmod dmp
	create dmp1 "$(loop 8M)"
	equal "avg size of none" "$(volumes write 'avg size')" 0
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=512 count=2 oflag=direct
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	equal "reqs, bytes and errors" "$(counts dmp1 write)" "3 5120 0"
	# 5120 / 3 is 1706 and two thirds
	equal "avg size" "$(volumes write 'avg size')" 1706
	equal "avg size of all" "$(volumes total 'avg size')" 1706
	equal avg_size "$(stat_file dmp1 write avg_size)" 1706
}

@test "a mix of sizes from several jobs, libaio" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 max_sectors=2048)"
	fio_run --rw=randrw --bssplit=512/10:4k/40:8k/20:64k/20:128k/10 --numjobs=2 \
		--ioengine=libaio --iodepth=16 --number_ios=4000
	counts_agree
}

@test "dm-stats on the same volume agrees" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 max_sectors=2048)" 0 1 latency
	dmsetup message dmp1 0 @stats_create - /1
	fio_run --rw=randrw --bssplit=512/10:4k/40:8k/20:64k/20:128k/10 --numjobs=2 \
		--ioengine=libaio --iodepth=16 --number_ios=4000
	counts_agree
	for op in read write; do
		equal "$op, dmp and dm-stats" "$(stats dmp1 $op)" "$(dm_stats dmp1 $op) 0"
	done
}

@test "a mix of sizes from several jobs, io_uring" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 max_sectors=2048)"
	fio_run --rw=randrw --bssplit=512/10:4k/40:8k/20:64k/20:128k/10 --numjobs=2 \
		--ioengine=io_uring --iodepth=16 --number_ios=4000
	read -r reqs _ < <(counts dmp1 read)
	[ "$reqs" -gt 3000 ]
	for op in read write; do
		counts_are_fios dmp1 $op
	done
}

@test "a request that the device bounces counts once" {
	dev=$(null_blk nullb0 size=256 memory_backed=0)
	echo 127 >"/sys/block/${dev#/dev/}/queue/max_sectors_kb"
	create dmp1 "$dev"
	fio_run --rw=randrw --bs=128k --ioengine=io_uring --iodepth=16 --number_ios=1000
	for op in read write; do
		counts_are_fios dmp1 $op
	done
	# the oracle bites: the block layer took each for two
	read -r seen _ < <(block_counts dmp1 read)
	read -r sent _ < <(fio_counts "$TMPDIR/fio.json" read)
	[ "$seen" -ge $((2 * sent)) ]
}

@test "a request that must not wait counts once also if that is lifted below" {
	# a zoned device takes REQ_NOWAIT off the writes that it queues
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=0 zoned=1 zone_size=4)"
	fio_run --rw=write --bs=4k --size=4M --zonemode=zbd --ioengine=io_uring --iodepth=4 --number_ios=500
	counts_are_fios dmp1 write
}

@test "no count is lost to another CPU" {
	create dmp1 "$(null_blk nullb0 size=256 memory_backed=0 submit_queues=2)"
	fio_run --rw=randrw --bs=4k --ioengine=libaio --iodepth=32 --numjobs=4 --number_ios=10000
	counts_agree
}

@test "an empty flush is a flush, not a write" {
	create dmp1 "$(loop 8M)"
	equal "write cache" "$(cat "$(sysfs dmp1)/queue/write_cache")" "write back"
	fio_run --rw=write --bs=4k --size=400k --ioengine=psync --fsync=1
	equal write "$(counts dmp1 write)" "100 409600 0"
	equal flush "$(counts dmp1 flush)" "99 0 0"
	# the block layer takes a flush for a write
	equal "block layer, write" "$(block_counts dmp1 write)" "199 409600"
}

@test "a FUA write is one write, here and below" {
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=1 cache_size=8)"
	equal fua "$(cat "$(sysfs dmp1)/queue/fua")" 1
	# a direct dsync write to a block device is a FUA write and a flush
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=10 oflag=direct,dsync
	equal write "$(counts dmp1 write)" "10 40960 0"
	equal flush "$(counts dmp1 flush)" "10 0 0"
	# had FUA not got through, the block layer would make it a second flush
	read -ra below </sys/block/nullb0/stat
	equal "flushes below" "${below[15]}" 10
}

@test "discards" {
	create dmp1 "$(loop 64M)"
	blkdiscard -o 1M -l 3M /dev/mapper/dmp1
	equal discard "$(counts dmp1 discard)" "1 3145728 0"
	equal "block layer, discard" "$(block_counts dmp1 discard)" "1 3145728"
	equal write "$(counts dmp1 write)" "0 0 0"
}

@test "fstrim" {
	mkdir -p /run/mnt
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=1 discard=1)"
	mkfs.ext4 -q -E nodiscard /dev/mapper/dmp1
	mount /dev/mapper/dmp1 /run/mnt
	dd if=/dev/zero of=/run/mnt/file bs=1M count=20 conv=fsync
	rm /run/mnt/file
	trimmed=$(fstrim -v /run/mnt | sed 's/.*(\([0-9]*\) bytes).*/\1/')
	[ "$trimmed" -gt $((20 << 20)) ]
	equal discard "$(stats dmp1 discard)" "$(block_counts dmp1 discard) 0"
	equal "discard bytes" "$(stat_file dmp1 discard bytes)" "$trimmed"
	equal "discards by size" "$(stat_file dmp1 discard size_hist | sum)" "$(stat_file dmp1 discard reqs)"
	umount /run/mnt
}

@test "write zeroes" {
	# a loop device can write zeroes where its file's file system can
	mkdir -p /run/mnt
	dev=$(loop 128M)
	mkfs.ext4 -q "$dev"
	mount "$dev" /run/mnt
	truncate -s 64M /run/mnt/file
	create dmp1 "$(losetup --find --show /run/mnt/file)"
	blkdiscard -z -o 8M -l 2M /dev/mapper/dmp1
	equal write_zeroes "$(counts dmp1 write_zeroes)" "1 2097152 0"
	equal "write_zeroes, sysfs" "$(stats dmp1 write_zeroes)" "1 2097152 0"
	equal "write_zeroes by size" "$(stat_file dmp1 write_zeroes size_hist)" "0 0 0 0 0 0 0 0 0 0 0 1"
	equal write "$(counts dmp1 write)" "0 0 0"
	dmsetup remove dmp1
	losetup -D
}

@test "zone management and zone writes" {
	create dmp1 "$(null_blk nullb0 size=64 memory_backed=1 zoned=1 zone_size=4)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=64k count=4 oflag=direct
	blkzone finish -o 8192 -c 1 /dev/mapper/dmp1
	blkzone open -o 16384 -c 1 /dev/mapper/dmp1
	blkzone close -o 16384 -c 1 /dev/mapper/dmp1
	blkzone reset -o 0 -c 1 /dev/mapper/dmp1
	equal zone "$(counts dmp1 zone)" "4 0 0"
	equal write "$(counts dmp1 write)" "4 262144 0"
	blkzone reset /dev/mapper/dmp1
	equal "zone, after reset of all" "$(counts dmp1 zone)" "5 0 0"
	equal "zone, sysfs" "$(stats dmp1 zone)" "5 0 0"
}

@test "errors are counted, for the operation that failed" {
	dev=$(loop 8M)
	dmsetup create below --table "0 8192 linear $dev 0
8192 8192 error"
	create dmp1 /dev/mapper/below
	for i in 1 2 3; do
		run ! dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k seek=$((1024 + i)) count=1 oflag=direct
	done
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=2 oflag=direct
	run ! dd if=/dev/mapper/dmp1 of=/dev/null bs=4k skip=1024 count=1 iflag=direct
	equal write "$(counts dmp1 write)" "5 20480 3"
	equal read "$(counts dmp1 read)" "1 4096 1"
}

@test "module totals are the sum of all volumes, gone ones included" {
	read_before=$(volumes read reqs)
	write_before=$(volumes write reqs)
	dev=$(loop 8M)
	create dmp1 "$dev"
	create dmp2 "$(loop 8M)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=10 oflag=direct
	dd if=/dev/zero of=/dev/mapper/dmp2 bs=4k count=20 oflag=direct
	dd if=/dev/mapper/dmp2 of=/dev/null bs=4k count=5 iflag=direct
	equal "two volumes" "$(volumes write reqs)" $((write_before + 30))
	equal "two volumes, total" "$(volumes total reqs)" $((read_before + write_before + 35))
	dmsetup remove dmp1
	equal "one gone" "$(volumes write reqs)" $((write_before + 30))
	dmsetup remove dmp2
	equal "both gone" "$(volumes write reqs)" $((write_before + 30))
	equal "both gone, read" "$(volumes read reqs)" $((read_before + 5))
	create dmp1 "$dev"
	equal "a new one starts at zero" "$(counts dmp1 write)" "0 0 0"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
	equal "and adds" "$(volumes write reqs)" $((write_before + 31))
}
