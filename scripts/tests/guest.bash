# shellcheck shell=bash
# What the tests in the guest share. They are root there, the root file system
# is read-only, and what a test makes goes when it ends.

setup()
{
	dmesg -C
}

teardown()
{
	guest_teardown
}

guest_teardown()
{
	local dev
	# why it failed; bats prints what a teardown does only for such a test
	[ "${BATS_TEST_COMPLETED:-}" ] || dmesg | tail -n 30
	! mountpoint -q /run/mnt || umount /run/mnt
	dmsetup remove_all
	losetup -D
	for dev in /sys/kernel/config/nullb/*/; do
		[ ! -d "$dev" ] || rmdir "$dev"
	done
	rm -rf "${TMPDIR:?}"/*.img
	kernel_is_content
}

# the kernel must not complain of anything a test does to it
kernel_is_content()
{
	! dmesg | grep -E 'BUG|WARNING|INFO:|Oops|Call Trace|refcount|inconsistent|call missing'
}

# loop SIZE: print a new loop device on a file in memory
loop()
{
	local file
	file=$(mktemp "$TMPDIR/XXXXXX.img")
	truncate -s "$1" "$file"
	losetup --find --show "$file"
}

# null_blk NAME ATTRIBUTE=VALUE...: print a new null_blk device
null_blk()
{
	local dir=/sys/kernel/config/nullb/$1 attr
	shift
	mkdir "$dir"
	for attr; do
		echo "${attr#*=}" >"$dir/${attr%%=*}"
	done
	echo 1 >"$dir/power"
	echo "/dev/${dir##*/}"
}

# skip_without TARGET: skip the test on a kernel that has no such target
skip_without()
{
	modprobe -q "dm-$1" || true
	dmsetup targets | grep -q "^$1 " || skip "this kernel has no dm-$1"
}

# skip_emulated: skip a test of how long something takes
skip_emulated()
{
	[ -z "$DMP_STOCK" ] || skip "an emulated machine is too slow for this"
}

# inject DEVICE OPERATION STATUS: let all of a device's requests of an operation fail
inject()
{
	[ -e "/sys/kernel/debug/block/${1#/dev/}/error_injection" ] ||
		skip "this kernel has no CONFIG_BLK_ERROR_INJECTION"
	echo "add,op=$2,status=$3" >"/sys/kernel/debug/block/${1#/dev/}/error_injection"
}

# scsi_debug OPTION=VALUE...: print a new simulated SCSI disk
scsi_debug()
{
	modprobe scsi_debug "$@"
	local block='/sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*/block'
	eventually compgen -G "$block/*" >/dev/null
	echo "/dev/$(basename "$(compgen -G "$block/*")")"
}

# create NAME DEVICE [ARG...]: a dmp volume over all of a device
create()
{
	dmsetup create "$1" --table "0 $(blockdev --getsz "$2") dmp ${*:2}"
}

# sysfs NAME: the sysfs directory of a volume
sysfs()
{
	echo "/sys/block/$(basename "$(readlink -f "/sys/dev/block/$(dmsetup info -c --noheadings -o major,minor --separator : "$1")")")"
}

# counts NAME OPERATION: "reqs bytes errors" of a volume, from dmsetup status
counts()
{
	dmsetup status "$1" | awk -v op="$2" '
		{
			for (i = 4; i < NF; i += 4)
				if ($i == op) {
					reqs += $(i + 1)
					bytes += $(i + 2)
					errors += $(i + 3)
					seen = 1
				}
		}
		END {
			if (!seen) exit 1
			# not %d, which mawk stops at 2^31
			printf "%.0f %.0f %.0f\n", reqs, bytes, errors
		}'
}

# stat_file NAME OPERATION FILE: a file of a volume's in sysfs
stat_file()
{
	cat "$(sysfs "$1")/dmp/$2/$3"
}

# stats NAME OPERATION: "reqs bytes errors" of a volume, from sysfs
stats()
{
	echo "$(stat_file "$1" "$2" reqs) $(stat_file "$1" "$2" bytes) $(stat_file "$1" "$2" errors)"
}

# histogram NAME [OPERATION]: the joint histogram of a volume
histogram()
{
	dmsetup message "$1" 0 histogram "${@:2}"
}

# sum: add up the numbers of a line, such as a histogram of sysfs
sum()
{
	awk '{ for (i = 1; i <= NF; i++) n += $i } END { printf "%.0f\n", n }'
}

# dm_stats NAME read|write: "reqs bytes" as dm-stats has them in its region 0
dm_stats()
{
	local stats
	read -ra stats < <(dmsetup message "$1" 0 @stats_print 0)
	case $2 in
	read) echo "${stats[1]} $((stats[3] * 512))" ;;
	write) echo "${stats[5]} $((stats[7] * 512))" ;;
	esac
}

# block_counts NAME read|write: "reqs bytes" as the block layer has them
block_counts()
{
	local stat
	read -ra stat <"$(sysfs "$1")/stat"
	case $2 in
	read) echo "${stat[0]} $((stat[2] * 512))" ;;
	write) echo "${stat[4]} $((stat[6] * 512))" ;;
	discard) echo "${stat[11]} $((stat[13] * 512))" ;;
	esac
}

# volumes read|write|total reqs|"avg size": from /sys/module/dmp/stat/volumes
volumes()
{
	awk -v section="$1:" -v key="$2" -F ': ' '
		/:$/ { here = $0 == section }
		here && $1 == "\t" key { print $2 }' /sys/module/dmp/stat/volumes
}

# eventually COMMAND...: wait until a command succeeds
eventually()
{
	for _ in $(seq 200); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "never came true: $*"
	return 1
}

# growth FILE: wait until the number in it has grown
growth()
{
	eventually grep -qvx "$(cat "$1")" "$1"
}

# equal WHAT GOT EXPECTED
equal()
{
	[ "$2" = "$3" ] || {
		echo "$1: got '$2', expected '$3'"
		return 1
	}
}

# fields NAME OPERATION: "reqs bytes errors latency_ns" of a volume, from its file stat
fields()
{
	local -A first=([read]=2 [write]=6 [discard]=10 [write_zeroes]=14 [flush]=18 [zone]=22)
	cut -d ' ' -f "${first[$2]}-$((first[$2] + 3))" "$(sysfs "$1")/dmp/stat"
}

# resets NAME: how often a volume was reset
resets()
{
	cut -d ' ' -f 1 "$(sysfs "$1")/dmp/stat"
}

# fio_stop: end the fio that runs in the background as $fio; fails if it did
fio_stop()
{
	pkill -INT -x fio
	# what it exits with when a signal ended it and nothing failed
	wait "$fio" || [ $? = 128 ]
	fio=
}

# fio_counts FILE read|write: "reqs bytes" of all jobs in fio's JSON, before which it says
# that a signal ended it
fio_counts()
{
	perl -MJSON::PP -e '
		local $/;
		open my $f, "<", shift;
		my ($json, $op, $reqs, $bytes) = (<$f> =~ s/^[^{]*//r, shift, 0, 0);
		my $jobs = decode_json($json)->{jobs};
		$reqs += $_->{$op}{total_ios}, $bytes += $_->{$op}{io_bytes} // 0 for @$jobs;
		print "$reqs $bytes\n"' "$1" "$2"
}
