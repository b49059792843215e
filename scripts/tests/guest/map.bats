#!/usr/bin/env bats
# Requests go where the table says, whatever is done to the table meanwhile.

bats_require_minimum_version 1.5.0
load ../guest

sha()
{
	sha256sum | cut -d ' ' -f 1
}

# each NAME reqs|bytes: what each dmp segment wrote
each()
{
	dmsetup status "$1" | awk -v field="$2" '
		$3 == "dmp" { print field == "reqs" ? $9 : $10 }' | xargs
}

@test "data is the same below and above" {
	dev=$(loop 16M)
	create dmp1 "$dev"
	dd if=/dev/urandom of=/dev/mapper/dmp1 bs=1M count=16 oflag=direct
	equal "sum of all" "$(sha <"$dev")" "$(sha </dev/mapper/dmp1)"
}

@test "an offset is where the mapping begins" {
	dev=$(loop 16M)
	dmsetup create dmp1 --table "0 8192 dmp $dev 16384"
	equal size "$(blockdev --getsz /dev/mapper/dmp1)" 8192
	dd if=/dev/urandom of=/dev/mapper/dmp1 bs=1M count=4 oflag=direct
	equal "sum at the offset" \
		"$(dd if="$dev" bs=1M skip=8 count=4 iflag=direct | sha)" "$(sha </dev/mapper/dmp1)"
	equal "sum around it" \
		"$({ dd if="$dev" bs=1M count=8; dd if="$dev" bs=1M skip=12; } | sha)" \
		"$(head -c 12M /dev/zero | sha)"
	equal table "$(dmsetup table dmp1)" "0 8192 dmp 7:${dev#/dev/loop} 16384"
}

@test "no offset is offset 0, and the table line recreates the target" {
	dev=$(loop 16M)
	create dmp1 "$dev"
	table=$(dmsetup table dmp1)
	equal table "$table" "0 32768 dmp 7:${dev#/dev/loop} 0"
	dmsetup remove dmp1
	dmsetup create dmp1 --table "$table"
	equal "table again" "$(dmsetup table dmp1)" "$table"
}

@test "the table line tells features, if there are any" {
	dev=$(loop 16M)
	line="0 32768 dmp 7:${dev#/dev/loop} 0"
	for features in "" " 0" " 1 latency"; do
		dmsetup create dmp1 --table "$line$features"
		equal table "$(dmsetup table dmp1)" "$line${features% 0}"
		dmsetup reload dmp1 --table "$(dmsetup table dmp1)"
		dmsetup resume dmp1
		equal "table again" "$(dmsetup table dmp1)" "$line${features% 0}"
		dmsetup remove dmp1
	done
}

@test "several segments, on devices of their own and on one" {
	a=$(loop 16M) b=$(loop 16M)
	dmsetup create dmp1 --table "0 8192 dmp $a 8192
8192 16384 dmp $b
24576 8192 linear $a 24576
32768 8192 dmp $a 0"
	dd if=/dev/urandom of=/dev/mapper/dmp1 bs=1M count=20 oflag=direct
	{
		dd if="$a" bs=1M skip=4 count=4
		dd if="$b" bs=1M count=8
		dd if="$a" bs=1M skip=12 count=4
		dd if="$a" bs=1M count=4
	} >"$TMPDIR/expect.img"
	cmp "$TMPDIR/expect.img" /dev/mapper/dmp1
	# 1 MiB requests: 4 to the first segment, 8 to the second, 4 to the last
	equal "bytes of all segments" "$(counts dmp1 write | cut -d ' ' -f 2)" $((16 << 20))
	equal "bytes of each" "$(each dmp1 bytes)" "$((4 << 20)) $((8 << 20)) $((4 << 20))"
}

@test "a request across segments counts in each" {
	dmsetup create dmp1 --table "0 8192 dmp $(loop 4M)
8192 8192 dmp $(loop 4M)"
	# the last 8 KiB, and then the 8 KiB around the border
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=8k count=1 seek=8380416 oflag=direct,seek_bytes
	equal "reqs of each" "$(each dmp1 reqs)" "0 1"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=8k count=1 seek=4190208 oflag=direct,seek_bytes
	equal "reqs of each" "$(each dmp1 reqs)" "1 2"
	equal "bytes of each" "$(each dmp1 bytes)" "4096 12288"
}

@test "suspend holds requests back, resume lets them through" {
	create dmp1 "$(loop 8M)"
	dmsetup suspend dmp1
	dd if=/dev/urandom of=/dev/mapper/dmp1 bs=4k count=10 oflag=direct &
	# a process that waits for a request which cannot be interrupted
	eventually grep -q '^State:.*D (disk sleep)' "/proc/$!/status"
	equal "while suspended" "$(counts dmp1 write)" "0 0 0"
	dmsetup resume dmp1
	wait $!
	equal "after resume" "$(counts dmp1 write)" "10 40960 0"
}

@test "a suspended volume keeps its counts" {
	create dmp1 "$(loop 8M)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=10 oflag=direct
	for _ in 1 2 3; do
		dmsetup suspend dmp1
		dmsetup resume dmp1
	done
	equal write "$(counts dmp1 write)" "10 40960 0"
}

@test "reloads under I/O lose neither data nor counts" {
	dev=$(loop 64M)
	create dmp1 "$dev"
	reads=$(volumes read reqs) writes=$(volumes write reqs)
	fio_run --rw=randwrite --bs=4k --size=32M --ioengine=libaio --iodepth=8 \
		--verify=crc32c --verify_fatal=1 &
	fio=$!
	reloads=0 last=0
	while kill -0 $fio 2>/dev/null; do
		dmsetup reload dmp1 --table "0 131072 dmp $dev"
		dmsetup suspend dmp1
		dmsetup resume dmp1
		reloads=$((reloads + 1))
		now=$(volumes total reqs)
		[ "$now" -ge "$last" ] || {
			echo "totals went from $last to $now"
			return 1
		}
		last=$now
	done
	wait $fio
	echo "$reloads reloads"
	[ $reloads -ge 5 ]
	equal write "$(($(volumes write reqs) - writes))" "$(fio_counts "$TMPDIR/fio.json" write | cut -d ' ' -f 1)"
	equal read "$(($(volumes read reqs) - reads))" "$(fio_counts "$TMPDIR/fio.json" read | cut -d ' ' -f 1)"
}

@test "reload to another target and back" {
	dev=$(loop 8M)
	create dmp1 "$dev"
	before=$(volumes write reqs)
	for target in linear dmp linear dmp; do
		dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=5 oflag=direct
		dmsetup reload dmp1 --table "0 16384 $target $dev 0"
		dmsetup resume dmp1
	done
	equal "what went by dmp" "$(volumes write reqs)" $((before + 10))
}

@test "a stack grows in the order that works with dm-linear" {
	dev=$(loop 16M)
	for target in linear dmp; do
		dmsetup create bottom --table "0 16384 linear $dev 0"
		dmsetup create top --table "0 16384 $target /dev/mapper/bottom 0"
		dmsetup load top --table "0 32768 $target /dev/mapper/bottom 0"
		dmsetup load bottom --table "0 32768 linear $dev 0"
		dmsetup suspend top
		dmsetup suspend bottom
		dmsetup resume bottom
		dmsetup resume top
		equal "$target, size" "$(blockdev --getsz /dev/mapper/top)" 32768
		dd if=/dev/zero of=/dev/mapper/top bs=4k seek=4095 count=1 oflag=direct
		dmsetup remove top bottom
	done
}

# refused_like_linear COMMAND...: a command with TARGET in it fails alike for both targets
refused_like_linear()
{
	local target
	for target in linear dmp; do
		clear_log
		if "${@//TARGET/$target}" >"$TMPDIR/$target.output" 2>&1; then
			return 1
		fi
		# not what audit tells, with a number that is never the same
		dmesg | sed -n "s/: $target: /: /; s/.*\(device-mapper: \)/\1/p" >"$TMPDIR/$target.log"
	done
	diff "$TMPDIR/linear.output" "$TMPDIR/dmp.output"
	diff "$TMPDIR/linear.log" "$TMPDIR/dmp.log"
}

@test "a mapping that is too large is refused by the core, as with dm-linear" {
	dev=$(loop 8M)
	for args in "0 16384 TARGET $dev 1" "0 16385 TARGET $dev 0" "0 8 TARGET $dev 16377" \
		"0 16384 TARGET $dev 9223372036854775807"; do
		refused_like_linear dmsetup create top --table "$args"
		grep 'too small for target' "$TMPDIR/dmp.log"
	done
	# a table that replaces another is checked when it is resumed
	dmsetup create top --table "0 16384 linear $dev 0"
	load_and_resume()
	{
		dmsetup load top --table "$1"
		dmsetup resume top
	}
	refused_like_linear load_and_resume "0 16385 TARGET $dev 0"
	grep 'too small for target' "$TMPDIR/dmp.log"
	dmsetup resume top
	equal size "$(blockdev --getsz /dev/mapper/top)" 16384
}
