#!/usr/bin/env bats
# The directory of a volume in sysfs: what is in it, and that it is right.

bats_require_minimum_version 1.5.0
load ../guest
load ../volume

@test "with latency there are two files more" {
	create dmp1 "$(loop 8M)" 0 1 latency
	equal directories "$(dirs dmp1)" "$(with_latency)"
}

@test "a file has one line, that anyone may read and nobody write" {
	create dmp1 "$(loop 8M)" 0 1 latency
	write_4k dmp1 3
	find "$(sysfs dmp1)/dmp" -type f >"$TMPDIR/files"
	equal files "$(wc -l <"$TMPDIR/files")" 50
	while read -r file; do
		equal "mode of $file" "$(stat -c %a "$file")" 444
		case $file in
		*size_hist) [[ $(cat "$file") =~ ^[0-9]+(\ [0-9]+){11}$ ]] ;;
		*latency_hist) [[ $(cat "$file") =~ ^[0-9]+(\ [0-9]+){51}$ ]] ;;
		*/stat) [[ $(cat "$file") =~ ^[0-9]+(\ [0-9]+){24}$ ]] ;;
		*) [[ $(cat "$file") =~ ^[0-9]+$ ]] ;;
		esac || {
			echo "$file: $(cat "$file")"
			return 1
		}
		equal "lines of $file" "$(wc -l <"$file")" 1
		run ! sh -c "echo 0 >$file"
	done <"$TMPDIR/files"
}

@test "the values are those of status and of the block layer" {
	create dmp1 "$(loop 64M)"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=4k count=10 oflag=direct
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=64k count=3 oflag=direct
	dd if=/dev/mapper/dmp1 of=/dev/null bs=512 count=7 iflag=direct
	blkdiscard -f -o 1M -l 3M /dev/mapper/dmp1
	for op in read write discard write_zeroes flush zone; do
		equal "$op" "$(stats dmp1 $op)" "$(counts dmp1 $op)"
	done
	for op in read write discard; do
		equal "$op" "$(stats dmp1 $op)" "$(block_counts dmp1 $op) 0"
	done
	equal total "$(stats dmp1 total)" "20 241152 0"
	equal "avg_size, write" "$(stat_file dmp1 write avg_size)" 18274
	equal "avg_size, total" "$(stat_file dmp1 total avg_size)" 12057
	equal "avg_size, flush" "$(stat_file dmp1 flush avg_size)" 0
	equal "size_hist, write" "$(stat_file dmp1 write size_hist)" "0 0 0 10 0 0 0 3 0 0 0 0"
	equal "size_hist, total" "$(stat_file dmp1 total size_hist)" "7 0 0 10 0 0 0 3 0 0 0 0"
	equal "size_hist, discard" "$(stat_file dmp1 discard size_hist)" "0 0 0 0 0 0 0 0 0 0 0 1"
}

@test "every volume has its own" {
	create dmp1 "$(loop 8M)"
	create dmp2 "$(loop 8M)"
	write_4k dmp1 3
	write_4k dmp2 5
	equal dmp1 "$(stats dmp1 write)" "3 12288 0"
	equal dmp2 "$(stats dmp2 write)" "5 20480 0"
}

@test "a volume sums its segments" {
	dmsetup create dmp1 --table "0 8192 dmp $(loop 4M)
8192 8192 dmp $(loop 4M) 0 1 latency
16384 8192 linear $(loop 4M) 0"
	dd if=/dev/zero of=/dev/mapper/dmp1 bs=64k count=192 oflag=direct
	equal write "$(stats dmp1 write)" "128 $((8 << 20)) 0"
	# where they are measured
	equal latencies "$(stat_file dmp1 write latency_hist | sum)" 64
	equal histogram "$(histogram dmp1 | awk '$1 == "write" && $2 == 65536 { n += $4 } END { print n }')" 64
}
