#!/usr/bin/env bats
# Storms: whatever is done to volumes while all CPUs do I/O and everything is read, data and
# counts stay right. DMP_STORM is the number of seconds of each storm.

# shellcheck disable=SC2034 # ../storm.bash uses may_report

bats_require_minimum_version 1.5.0
load ../guest
load ../storm

# I/O goes to dmp1; dmp2, over another device, comes and goes
setup()
{
	clear_log
	dev=$(null_blk nullb0 size=32 memory_backed=1 submit_queues=2 irqmode=1)
	dev2=$(loop 8M)
	create dmp1 "$dev" 0 1 latency
	dir=$(sysfs dmp1)/dmp
	declare -gA before=([read]=$(volumes read reqs) [write]=$(volumes write reqs))
}

# flood OPTION...: a job for each of the two CPUs writes, and verifies what it wrote. The node is
# one that a rename leaves there.
flood()
{
	fio_json --filename="/dev/$(basename "${dir%/dmp}")" --rw=randwrite --bs=4k --size=16m \
		--ioengine=libaio --iodepth=16 --verify=crc32c --verify_backlog=128 --verify_fatal=1 "$@" \
		--name=cpu0 --cpus_allowed=0 --name=cpu1 --cpus_allowed=1 --offset=16m
}

# never_falls FILE PATTERN [LEADER]: read a file often, and fail if a number that the pattern finds
# falls; with LEADER, unless the first of them grows. The file stays open, so that it is not that
# of the next volume.
never_falls()
{
	# shellcheck disable=SC2016 # it is Perl
	perl -e '
		my ($file, $pattern, $leader) = @ARGV;
		my (@last, @now, $text);
		open my $f, "<", $file or die "$file: $!\n";
		for (1 .. 500) {
			sysseek $f, 0, 0;
			sysread $f, $text, 4096 or die "$file: $!\n";
			@now = $text =~ /$pattern/g or die "$file: no numbers\n";
			for (@last && !($leader && $now[0] > $last[0]) ? 0 .. $#now : ()) {
				die "$file fell from @last to @now\n" if $now[$_] < $last[$_];
			}
			@last = @now;
		}' "$@"
}

read_volumes()
{
	never_falls /sys/module/dmp/stat/volumes 'reqs: (\d+)'
}

# the first number is that of resets
read_stat()
{
	never_falls "$dir/stat" '(\d+)' leader
}

# of one volume after the other, whose file may go meanwhile
read_latencies()
{
	local file
	for file in /sys/block/dm-*/dmp/total/latency_hist; do
		never_falls "$file" '(\d+)'
	done
}

# files of volumes that come and go may be gone
read_files()
{
	# shellcheck disable=SC2016 # it is Perl
	perl -MErrno=ENOENT,ENODEV -e '
		for (1 .. 5) {
			for (glob "/sys/block/dm-*/dmp/stat /sys/block/dm-*/dmp/*/*") {
				my ($f, $text);
				next if open($f, "<", $_) && sysread($f, $text, 4096);
				die "$_: $!\n" if $! != ENOENT && $! != ENODEV;
			}
		}'
}

read_status()
{
	dmsetup status
	dmsetup table
}

read_histogram()
{
	dmsetup message dmp1 0 histogram
}

readers=(read_volumes read_stat read_files read_status read_histogram)

# storm NAME...: run functions of these names while there is I/O and all is read
storm()
{
	local all=("${readers[@]}" "$@") name
	fio_start flood
	growth "$dir/write/reqs"
	begin "${all[@]}"
	sleep "${DMP_STORM:-5}"
	for name in "${all[@]}"; do
		eventually more_rounds "$name" 3
	done
	fio_stop
	end "${all[@]}"
}

# module_counts [WRITES]: the module counted the requests of fio, and so many other writes
module_counts()
{
	local op
	local -A other=([read]=0 [write]=${1:-0})
	for op in read write; do
		equal "$op, module" $(($(volumes $op reqs) - before[$op])) \
			$(($(fio_counts "$TMPDIR/fio.json" $op | cut -d ' ' -f 1) + other[$op]))
	done
}

# latency_counts: dmp1 measured the latency of each request
latency_counts()
{
	equal latencies "$(stat_file dmp1 total latency_hist | sum)" "$(stat_file dmp1 total reqs)"
}

# volume_counts: dmp1 counted the requests of fio and no others
volume_counts()
{
	local op
	for op in read write; do
		equal "$op, volume" "$(stats dmp1 $op)" "$(fio_counts "$TMPDIR/fio.json" $op) 0"
	done
}

# what reports that a volume or a file went meanwhile, or that a volume is in the wrong state
no_volume='.*: No such device or address|Device (dmp. not found|does not exist\.)|Command failed.*'
no_file='/sys/block/.*: No such (file or directory|device)'
einval='.* failed: Invalid argument|Command failed.*'

remove_dmp2()
{
	timeout 60 dmsetup remove dmp2
}

create_and_remove()
{
	create dmp2 "$dev2" 0 1 latency
	dd if=/dev/zero of=/dev/mapper/dmp2 bs=4k count=3 oflag=direct status=none
	remove_dmp2
}

@test "readers against create and remove" {
	may_report=([read_status]=$no_volume [read_latencies]=$no_file)
	storm create_and_remove read_latencies
	module_counts $((3 * $(rounds create_and_remove)))
	volume_counts
}

# table [FEATURE...]: of dmp1
table()
{
	echo "0 65536 dmp $dev 0 $*"
}

reload()
{
	dmsetup reload dmp1 --table "$(table 1 latency)"
	dmsetup resume dmp1
}

suspend()
{
	local how
	for how in "" --noflush --nolockfs "--noflush --nolockfs"; do
		# shellcheck disable=SC2086 # words
		dmsetup suspend $how dmp1
		dmsetup resume dmp1
	done
}

@test "reload, suspend and resume against I/O" {
	# when the other loop came first
	may_report=([reload]=$einval [suspend]=$einval)
	storm reload suspend
	module_counts
	volume_counts
	latency_counts
}

reset()
{
	dmsetup message dmp1 0 reset
}

# exact_after_reset: since a reset no count of dmp1 and no latency is lost
exact_after_reset()
{
	reset
	flood --number_ios=500
	volume_counts
	latency_counts
}

@test "reset against readers" {
	storm reset
	module_counts
	equal resets "$(resets dmp1)" "$(rounds reset)"
	exact_after_reset
}

rename()
{
	dmsetup rename dmp1 dmp3
	dmsetup rename dmp3 dmp1
}

@test "rename" {
	may_report=([read_status]=$no_volume [read_histogram]=$no_volume)
	storm rename
	module_counts
	volume_counts
}

# hold_and_remove: files that are open while the volume goes cannot be read afterwards
hold_and_remove()
{
	local held
	create dmp2 "$dev2" 0 1 latency
	held=$(sysfs dmp2)/dmp
	exec {a}<"$held/stat" {b}<"$held/total/latency_hist" {c}<"$held/flush/reqs"
	read -r _ <&"$a"
	remove_dmp2
	for fd in "$a" "$b" "$c"; do
		! cat <&"$fd" 2>/dev/null || echo "a file of a volume that went was read" >&2
	done
	exec {a}<&- {b}<&- {c}<&-
}

@test "a sysfs file held open across removal" {
	may_report=([read_status]=$no_volume [read_latencies]=$no_file)
	storm hold_and_remove read_latencies
	module_counts
	volume_counts
}

rmmod_in_use()
{
	local said
	! said=$(rmmod dmp 2>&1) || echo "rmmod removed dmp" >&2
	[[ $said == *"Module dmp is in use" ]]
}

@test "rmmod all along" {
	[ -e /sys/module/dmp/refcnt ] || skip "dmp is built into this kernel"
	may_report=([read_status]=$no_volume)
	storm rmmod_in_use create_and_remove
	module_counts $((3 * $(rounds create_and_remove)))
	volume_counts
}

switch_latency()
{
	dmsetup reload dmp1 --table "$(table 0)"
	dmsetup resume dmp1
	reload
}

@test "latency on and off" {
	may_report=([read_histogram]=$einval [read_latencies]=$no_file)
	storm switch_latency read_latencies
	module_counts
	volume_counts
	exact_after_reset
}
