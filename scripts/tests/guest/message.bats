#!/usr/bin/env bats
# The messages: reset, histogram, and what is refused.

bats_require_minimum_version 1.5.0
load ../guest
load ../bad-input
load ../volume

# no_histogram NAME [OPERATION]: the message succeeds, and answers nothing
no_histogram()
{
	local answer
	answer=$(histogram "$@") || return
	equal "histogram $*" "$answer" ""
}

@test "reset begins again from zero, and the module's totals stay" {
	create dmp1 "$(loop 8M)" 0 1 latency
	write_4k dmp1 10
	dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=5 iflag=direct
	blkdiscard -o 1M -l 1M /dev/mapper/dmp1
	before=$(cat /sys/module/dmp/stat/volumes)
	dmsetup message dmp1 0 reset
	cat "$(sysfs dmp1)"/dmp/*/* | tr ' ' '\n' | sort -u >"$TMPDIR/values"
	equal "all of sysfs" "$(cat "$TMPDIR/values")" 0
	equal status "$(dmsetup status dmp1)" \
		"0 16384 dmp read 0 0 0 write 0 0 0 discard 0 0 0 write_zeroes 0 0 0 flush 0 0 0 zone 0 0 0"
	no_histogram dmp1
	equal volumes "$(cat /sys/module/dmp/stat/volumes)" "$before"
	write_4k dmp1 2
	equal "write, sysfs" "$(stats dmp1 write)" "2 8192 0"
	equal "write, status" "$(counts dmp1 write)" "2 8192 0"
	equal "write, latencies" "$(stat_file dmp1 write latency_hist | sum)" 2
	equal "write, histogram" "$(histogram dmp1 | awk '{ n += $4 } END { print n }')" 2
}

@test "reset is for the volume, whichever segment is told" {
	dmsetup create dmp1 --table "0 8192 dmp $(loop 4M)
8192 8192 dmp $(loop 4M)"
	create dmp2 "$(loop 8M)"
	for sector in 0 8192; do
		dd if=/dev/zero of=/dev/mapper/dmp1 bs=64k count=128 oflag=direct status=none
		dmsetup message dmp1 $sector reset
		equal sysfs "$(stats dmp1 write)" "0 0 0"
		equal status "$(counts dmp1 write)" "0 0 0"
	done
	dd if=/dev/zero of=/dev/mapper/dmp2 bs=4k count=3 oflag=direct
	dmsetup message dmp1 0 reset
	equal "another volume" "$(stats dmp2 write)" "3 12288 0"
}

@test "what was reset does not come back by reload" {
	dev=$(loop 8M)
	create dmp1 "$dev" 0 1 latency
	write_4k dmp1 10
	dmsetup message dmp1 0 reset
	for n in 1 2 3; do
		dmsetup reload dmp1 --table "0 16384 dmp $dev 0 1 latency"
		dmsetup resume dmp1
		write_4k dmp1 1
		equal sysfs "$(stats dmp1 write)" "$n $((n * 4096)) 0"
		equal latencies "$(stat_file dmp1 write latency_hist | sum)" $n
	done
}

@test "histogram of one operation, of all, and of nothing" {
	create dmp1 "$(loop 8M)" 0 1 latency
	no_histogram dmp1
	write_4k dmp1 3
	dd if=/dev/mapper/dmp1 of=/dev/null bs=64k count=5 iflag=direct
	histogram dmp1 >"$TMPDIR/all"
	cat "$TMPDIR/all"
	run ! grep -vE '^(read 65536|write 4096) [0-9]+ [0-9]+$' "$TMPDIR/all"
	equal read "$(histogram dmp1 read)" "$(grep ^read "$TMPDIR/all")"
	equal write "$(histogram dmp1 write)" "$(grep ^write "$TMPDIR/all")"
	equal reads "$(histogram dmp1 read | awk '{ n += $4 } END { print n }')" 5
	for op in discard write_zeroes flush zone; do
		no_histogram dmp1 $op
	done
}

@test "messages work while the device is suspended" {
	create dmp1 "$(loop 8M)" 0 1 latency
	write_4k dmp1 3
	dmsetup suspend dmp1
	equal writes "$(histogram dmp1 write | awk '{ n += $4 } END { print n }')" 3
	dmsetup message dmp1 0 reset
	equal write "$(stats dmp1 write)" "0 0 0"
	dmsetup resume dmp1
}

@test "every bad message is refused with its own text" {
	all_messages_refused "$(loop 8M)"
}

@test "a refused message changes nothing" {
	create dmp1 "$(loop 8M)" 0 1 latency
	write_4k dmp1 3
	run ! dmsetup message dmp1 0 reset now
	run ! dmsetup message dmp1 0 histogram total
	equal write "$(stats dmp1 write)" "3 12288 0"
}

# An answer that does not fit is asked for again with a larger buffer; here by
# ioctl, with a buffer of 320 bytes after the header (DM_TARGET_MSG is 0xc138fd0e).
@test "an answer that does not fit is said to be cut off" {
	create dmp1 "$(loop 8M)" 0 1 latency
	for bs in 512 1k 2k 4k 8k 16k 32k; do
		dd if=/dev/zero of=/dev/mapper/dmp1 bs=$bs count=3 oflag=direct status=none
		dd if=/dev/mapper/dmp1 of=/dev/null bs=$bs count=3 iflag=direct status=none
	done
	cat >"$TMPDIR/ask" <<'PY'
import fcntl, struct, sys
size = 312 + int(sys.argv[1])
message = struct.pack("Q", 0) + b"histogram\0"
header = struct.pack("3I7IQ", 4, 0, 0, size, 312, 0, 0, 0, 0, 0, 0)
header += sys.argv[2].encode().ljust(128, b"\0")
buf = bytearray((header.ljust(312, b"\0") + message).ljust(size, b"\0"))
fcntl.ioctl(open("/dev/mapper/control", "r+b", 0), 0xc138fd0e, buf)
flags = struct.unpack_from("I", buf, 28)[0]
print("full" if flags & 0x100 else "whole", end=" ")
if not flags & 0x100:
    print(buf[312:buf.index(0, 312)].decode())
PY
	run -0 python3 "$TMPDIR/ask" 160 dmp1
	equal "small buffer" "$output" "full "
	run -0 python3 "$TMPDIR/ask" 16384 dmp1
	equal "large buffer" "$output" "whole $(histogram dmp1)"
}
