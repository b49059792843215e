#!/usr/bin/env bats
# Everything at once, while lockdep watches.

bats_require_minimum_version 1.5.0
load ../guest

@test "lockdep and kmemleak are on" {
	grep -q . /proc/lockdep_stats
	[ -e /sys/kernel/debug/kmemleak ]
}

@test "reload, status, volumes and bad tables while I/O runs" {
	dev=$(loop 32M)
	create dmp1 "$dev"
	before=$(volumes write reqs)
	fio --name=job --filename=/dev/mapper/dmp1 --direct=1 --rw=randwrite --bs=4k \
		--ioengine=libaio --iodepth=8 --time_based --runtime=15 \
		--output-format=json --output="$TMPDIR/fio.json" &
	fio=$!
	while kill -0 $fio 2>/dev/null; do
		dmsetup reload dmp1 --table "0 65536 dmp $dev"
		dmsetup status dmp1
		dmsetup suspend dmp1
		dmsetup resume dmp1
		cat /sys/module/dmp/stat/volumes
		run ! dmsetup create dmp2 --table "0 65536 dmp $dev 1"
	done >/dev/null
	wait $fio
	equal write "$(($(volumes write reqs) - before))" \
		"$(fio_counts "$TMPDIR/fio.json" write | cut -d ' ' -f 1)"
}
