#!/usr/bin/env bats
# Errors: those that reach the submitter, for the operation that failed.

bats_require_minimum_version 1.5.0
load ../guest

# persist OPTION...: requests, which go on after errors, with which fio ends then
persist()
{
	fio_run --bs=4k --ioengine=psync --continue_on_error=all --ignore_zone_limits=1 "$@" ||
		[ "$(fio_errors)" -gt 0 ]
}

@test "dm-error: half of the volume fails" {
	dmsetup create below --table "0 8192 linear $(loop 4M) 0
8192 8192 error"
	create dmp1 /dev/mapper/below
	persist --rw=write --size=8M
	equal "fio" "$(fio_errors)" 1024
	equal write "$(stats dmp1 write)" "2048 8388608 1024"
	persist --rw=read --size=8M
	equal read "$(stats dmp1 read)" "2048 8388608 1024"
	equal total "$(stats dmp1 total)" "4096 16777216 2048"
	run ! blkdiscard -f -o 6M -l 1M /dev/mapper/dmp1
	if [ "$(cat "$(sysfs dmp1)/queue/discard_max_bytes")" = 0 ]; then
		# dm-error of this kernel takes no discards, so none is sent
		equal discard "$(stats dmp1 discard)" "0 0 0"
	else
		[ "$(stat_file dmp1 discard errors)" -gt 0 ]
	fi
	equal "errors of others" \
		"$(cat "$(sysfs dmp1)"/dmp/{write_zeroes,flush,zone}/errors | paste -s -d ' ')" "0 0 0"
}

@test "dm-flakey: writes fail and reads do not, and the other way round" {
	dev=$(loop 8M)
	dmsetup create below --table "0 16384 flakey $dev 0 0 3600 1 error_writes"
	create dmp1 /dev/mapper/below
	persist --rw=randrw --number_ios=500 --size=8M
	[ "$(fio_errors)" -gt 100 ]
	read -r reqs _ errors < <(stats dmp1 write)
	equal "errors, dmp and fio" "$errors" "$(fio_errors)"
	equal "all writes" "$errors" "$reqs"
	equal "errors, read" "$(stat_file dmp1 read errors)" 0

	dmsetup remove dmp1
	dmsetup reload below --table "0 16384 flakey $dev 0 0 3600 1 error_reads" ||
		skip "dm-flakey of this kernel has no error_reads"
	dmsetup resume below
	create dmp1 /dev/mapper/below
	persist --rw=randrw --number_ios=500 --size=8M
	[ "$(fio_errors)" -gt 100 ]
	read -r reqs _ errors < <(stats dmp1 read)
	equal "errors, dmp and fio" "$errors" "$(fio_errors)"
	equal "all reads" "$errors" "$reqs"
	equal "errors, write" "$(stat_file dmp1 write errors)" 0
	[ "$(stat_file dmp1 write reqs)" -gt 100 ]
}

@test "dm-dust: bad blocks" {
	skip_without dust
	dmsetup create below --table "0 16384 dust $(loop 8M) 0 4096"
	for block in 0 7 8 100 1000 2047; do
		dmsetup message below 0 addbadblock $block
	done
	dmsetup message below 0 enable
	create dmp1 /dev/mapper/below 0 1 latency
	persist --rw=read --size=8M
	equal "fio" "$(fio_errors)" 6
	equal read "$(stats dmp1 read)" "2048 8388608 6"
	equal latencies "$(stat_file dmp1 read latency_hist | sum)" 2048
	equal status "$(counts dmp1 read)" "2048 8388608 6"
	# a block that is written is good again
	persist --rw=write --size=8M
	persist --rw=read --size=8M
	equal read "$(stats dmp1 read)" "4096 16777216 6"
	equal write "$(stats dmp1 write)" "2048 8388608 0"
}

@test "errors survive reload" {
	dmsetup create below --table "0 16384 error"
	create dmp1 /dev/mapper/below
	for n in 1 2 3; do
		run ! dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=1 oflag=direct
		dmsetup reload dmp1 --table "0 16384 dmp /dev/mapper/below"
		dmsetup resume dmp1
		equal write "$(stats dmp1 write)" "$n $((4096 * n)) $n"
	done
}

@test "a request that may not wait and does not come again is neither error nor request" {
	dev=$(null_blk nullb0 size=64 memory_backed=0)
	echo 127 >"/sys/block/${dev#/dev/}/queue/max_sectors_kb"
	create dmp1 "$dev" 0 1 latency
	# RWF_NOWAIT is 8
	cat >"$TMPDIR/nowait" <<'PY'
import errno, mmap, os
f = os.open("/dev/mapper/dmp1", os.O_RDWR | os.O_DIRECT)
for size in 131072, 65536:
    try:
        print(os.preadv(f, [mmap.mmap(-1, size)], 0, 8))
    except OSError as e:
        print(errno.errorcode[e.errno])
PY
	equal "what the reader got" "$(python3 "$TMPDIR/nowait" | xargs)" "EAGAIN 65536"
	equal read "$(stats dmp1 read)" "1 65536 0"
	equal latencies "$(stat_file dmp1 read latency_hist | sum)" 1
}

@test "BLK_STS_AGAIN is an error of a request that may wait" {
	dev=$(null_blk nullb0 size=64 memory_backed=1)
	create dmp1 "$dev" 0 1 latency
	inject "$dev" READ AGAIN
	run ! dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=1 iflag=direct
	equal read "$(stats dmp1 read)" "1 4096 1"
	equal sizes "$(stat_file dmp1 read size_hist)" "0 0 0 1 0 0 0 0 0 0 0 0"
	equal "joint histogram" "$(histogram dmp1 | awk '{ print $1, $2, $4 }')" "read 4096 1"
}

@test "BLK_STS_AGAIN is no error of a request that must not wait" {
	dev=$(null_blk nullb0 size=64 memory_backed=1)
	create dmp1 "$dev" 0 1 latency
	inject "$dev" READ AGAIN
	# RWF_NOWAIT is 8
	run ! python3 -c '
import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
os.preadv(f, [mmap.mmap(-1, 4096)], 0, 8)' /dev/mapper/dmp1
	[[ $output == *BlockingIOError* ]]
	equal read "$(stats dmp1 read)" "0 0 0"
	equal latencies "$(stat_file dmp1 read latency_hist | sum)" 0
}

@test "BLK_STS_DM_REQUEUE from below is an error: device-mapper makes it one" {
	dev=$(null_blk nullb0 size=64 memory_backed=1)
	create dmp1 "$dev" 0 1 latency
	inject "$dev" READ DM_REQUEUE
	run ! dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=1 iflag=direct
	equal read "$(stats dmp1 read)" "1 4096 1"
	equal latencies "$(stat_file dmp1 read latency_hist | sum)" 1
}

@test "a failed read-ahead is no error" {
	# dm-zero refuses it
	dmsetup create zero1 --table "0 2097152 zero"
	create dmp1 /dev/mapper/zero1 0 1 latency
	dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=16
	read -r reqs _ errors < <(stats dmp1 read)
	equal errors "$errors" 0
	[ "$reqs" -gt 16 ]
	equal latencies "$(stat_file dmp1 read latency_hist | sum)" "$reqs"
}

@test "a plain read that fails after its read-ahead is one" {
	dmsetup create below --table "0 16384 error"
	create dmp1 /dev/mapper/below
	run ! dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=1
	read -r reqs _ errors < <(stats dmp1 read)
	[ "$errors" -gt 0 ]
	[ "$errors" -lt "$reqs" ]
}
