#!/usr/bin/env bats
# dmpctl: dmp under volumes that are in use, with real LVM.

# shellcheck disable=SC2154 # lvm_start sets pvs
bats_require_minimum_version 1.5.0
load ../guest
load ../volume
load ../lvm

teardown()
{
	lvm_stop
	rm -rf /run/dmpctl
	guest_teardown
}

# mounted FSTYPE LV: make a file system on a logical volume, and mount it
mounted()
{
	quiet "mkfs.$1" -q "/dev/mapper/vg-$2"
	mount -t "$1" "/dev/mapper/vg-$2" /run/mnt
}

# verify_start: writes to the mounted file system that are read back and compared
verify_start()
{
	fio_start fio_json --thread --name=verify --filename=/run/mnt/file --size=24M --rw=randwrite \
		--bs=4k --ioengine=libaio --iodepth=8 --verify=crc32c --verify_backlog=256
	eventually test -s /run/mnt/file
}

verify_stop()
{
	fio_stop
	[ "$(fio_counts "$TMPDIR/fio.json" write)" != "0 0" ]
}

@test "attach and detach an LVM volume" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	before=$(dmsetup table vg-lv)
	dmpctl attach vg/lv
	equal attached "$(types vg-lv)" dmp
	write_4k vg-lv 3
	equal write "$(stats vg-lv write)" "3 12288 0"
	dmpctl attach vg-lv
	equal "not again" "$(stats vg-lv write)" "3 12288 0"
	dmpctl detach /dev/vg/lv
	equal table "$(dmsetup table vg-lv)" "$before"
	dmpctl detach vg/lv
	equal "not again" "$(dmsetup table vg-lv)" "$before"
}

@test "latency on and off, and no count is lost" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	dmpctl attach --latency vg/lv
	write_4k vg-lv 2
	# which is what it has, and more
	dmpctl attach vg/lv
	write_4k vg-lv 1
	equal latencies "$(stat_file vg-lv write latency_hist | sum)" 3
	dmpctl latency off vg/lv
	equal directories "$(dirs vg-lv)" "$(without_latency)"
	write_4k vg-lv 2
	dmpctl latency on vg/lv
	write_4k vg-lv 1
	equal latencies "$(stat_file vg-lv write latency_hist | sum)" 4
	equal write "$(stats vg-lv write)" "6 24576 0"
	dmpctl reset vg/lv
	equal "after reset" "$(stats vg-lv write)" "0 0 0"
}

@test "a volume of several segments" {
	lvm_start 32M 32M
	quiet lvcreate -y -n lv -L 20M vg
	quiet lvcreate -y -n other -L 4M vg
	quiet lvextend -L 50M vg/lv
	before=$(dmsetup table vg-lv)
	[ "$(wc -l <<<"$before")" -gt 1 ]
	dmpctl attach --latency vg/lv
	equal attached "$(types vg-lv | tr ' ' '\n' | sort -u)" dmp
	equal table "$(dmsetup table vg-lv | sed 's/dmp/linear/; s/ 1 latency$//')" "$before"
	dmpctl detach vg/lv
	equal table "$(dmsetup table vg-lv)" "$before"
}

# rounds_on FSTYPE ROUNDS
rounds_on()
{
	lvm_start 400M
	quiet lvcreate -y -n lv -L 350M vg
	mounted "$1" lv
	verify_start
	for _ in $(seq "$2"); do
		dmpctl attach vg/lv
		dmpctl latency on vg/lv
		dmpctl latency off vg/lv
		dmpctl detach vg/lv
	done
	dmpctl attach --latency vg/lv
	growth "$(sysfs vg-lv)/dmp/write/reqs"
	verify_stop
	equal "errors" "$(cat "$(sysfs vg-lv)"/dmp/{read,write}/errors | paste -s)" $'0\t0'
	umount /run/mnt
	dmpctl detach vg/lv
}

@test "attach and detach under ext4 and verified I/O" {
	rounds_on ext4 "${DMP_ROUNDS:-8}"
	e2fsck -fn /dev/mapper/vg-lv
}

@test "attach and detach under xfs and verified I/O" {
	rounds_on xfs "${DMP_ROUNDS:-8}"
	xfs_repair -n /dev/mapper/vg-lv
}

@test "counts are those of what went through while attached" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	write_4k vg-lv 5
	dmpctl attach vg/lv
	fio_json --name=job --filename=/dev/mapper/vg-lv --rw=randrw --bs=4k --ioengine=libaio \
		--iodepth=8 --number_ios=4000
	for op in read write; do
		counts_are_fios vg-lv $op
	done
	all=$(volumes write reqs)
	dmpctl detach vg/lv
	write_4k vg-lv 5
	equal "module, write" "$(volumes write reqs)" "$all"
}

@test "twenty at once" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	for i in $(seq 20); do
		case $((i % 4)) in
		0) dmpctl attach vg/lv ;;
		1) dmpctl attach --latency vg/lv ;;
		2) dmpctl attach vg/lv ;;
		3) dmpctl attach --latency vg-lv ;;
		esac >>"$TMPDIR/out" 2>&1 || echo failed >>"$TMPDIR/out" &
	done
	wait
	cat "$TMPDIR/out"
	[ ! -s "$TMPDIR/out" ]
	equal table "$(dmsetup table vg-lv | cut -d ' ' -f 3,6-)" "dmp 1 latency"
	equal inactive "$(dmsetup info -c --noheadings -o tables_loaded vg-lv)" Live
}

@test "killed at each step it leaves a device that works, and the next run mends it" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	before=$(dmsetup table vg-lv)
	killed=0
	leftovers=0
	for n in $(seq 100); do
		status=0
		strace -qq -o /dev/null -e trace=ioctl -e "inject=ioctl:signal=KILL:when=$n" \
			"$DMP_TOOLS/dmpctl" attach vg/lv || status=$?
		write_4k vg-lv 1
		[ "$status" = 137 ] || break
		killed=$((killed + 1))
		[ "$(dmsetup info -c --noheadings -o tables_loaded vg-lv)" != Both ] || leftovers=$((leftovers + 1))
		dmpctl attach vg/lv
		equal "attached after kill $n" "$(types vg-lv)" dmp
		dmpctl detach vg/lv
		equal "detached after kill $n" "$(dmsetup table vg-lv)" "$before"
	done
	echo "# killed at $killed ioctls, a loaded table was left $leftovers times" >&3
	equal "the last run" "$status" 0
	[ "$killed" -gt 4 ]
	[ "$leftovers" -gt 0 ]
}

@test "LVM goes on as it does without, with what it reloads linear again" {
	lvm_start 100M 100M
	quiet lvcreate -y -n lv -L 40M vg "${pvs[0]}"
	mounted ext4 lv
	verify_start
	dmpctl attach vg/lv
	lvs vg 2>&1 | sed 's/^/# /' >&3
	quiet lvextend -r -L 60M vg/lv
	equal "after lvextend" "$(types vg-lv | tr ' ' '\n' | sort -u)" linear
	[[ $(dmpctl list) == *"vg-lv "*lost* ]]
	dmpctl attach vg/lv
	quiet lvcreate -y -s -n snap -L 20M vg/lv
	run ! dmpctl attach vg/lv
	[[ $output == *"has no linear segment, but snapshot-origin"* ]]
	quiet lvremove -y vg/snap
	dmpctl attach vg/lv
	quiet pvmove -i 1 "${pvs[0]}" "${pvs[1]}"
	equal "after pvmove" "$(dmsetup table vg-lv | cut -d ' ' -f 4 | sort -u)" \
		"$(cut -d : -f 1,2 <<<"$(cat "/sys/block/${pvs[1]#/dev/}/dev")")"
	dmpctl attach vg/lv
	verify_stop
	umount /run/mnt
	e2fsck -fn /dev/mapper/vg-lv
	quiet lvchange -an vg/lv
	quiet lvchange -ay vg/lv
	equal "after activation" "$(types vg-lv | tr ' ' '\n' | sort -u)" linear
}

# lvm_must COMMAND...: an LVM command of the storm, which must not fail
lvm_must()
{
	"$@" >"$TMPDIR/lvm.out" 2>&1 || {
		echo "$*: $?"
		cat "$TMPDIR/lvm.out"
	} >>"$TMPDIR/failed"
}

# while the file run is there: attach and detach a volume, with latency and without, and
# note when that worked
attach_storm()
{
	while [ -e "$TMPDIR/run" ]; do
		# a snapshot has made it another kind of volume, or LVM a linear one again
		! may_fail dmpctl attach --latency "$1" || echo "$1" >>"$TMPDIR/rounds"
		may_fail dmpctl latency off "$1" || true
		may_fail dmpctl detach "$1" || true
	done >/dev/null 2>&1
}

# may_fail COMMAND...: return its status, which must be that of an error, not of a signal
may_fail()
{
	local status=0
	"$@" || status=$?
	[ $status -le 1 ] || echo "$*: $status" >>"$TMPDIR/failed"
	return $status
}

lvm_storm()
{
	local size=100
	while [ -e "$TMPDIR/run" ]; do
		size=$((size + 2))
		[ $size -gt 150 ] || lvm_must lvextend -r -L ${size}M vg/lv
		lvm_must lvextend -L 40M vg/spare
		lvm_must lvreduce -f -y -L 20M vg/spare
		lvm_must lvcreate -y -s -n snap -L 60M vg/lv
		lvm_must lvremove -y vg/snap
		lvm_must pvmove -i 1 -n lv "${pvs[0]}" "${pvs[1]}"
		lvm_must pvmove -i 1 -n lv "${pvs[1]}" "${pvs[0]}"
		lvm_must lvchange --refresh vg/lv
		echo lvm >>"$TMPDIR/rounds"
	done
}

@test "LVM and dmpctl change the same volumes all the time, under verified I/O" {
	lvm_start 300M 300M
	quiet lvcreate -y -n lv -L 100M vg "${pvs[0]}"
	quiet lvcreate -y -n spare -L 20M vg
	mounted ext4 lv
	verify_start
	touch "$TMPDIR/run"
	lvm_storm &
	attach_storm vg/lv &
	attach_storm vg/spare &
	sleep "${DMP_SECONDS:-20}"
	rm "$TMPDIR/run"
	verify_stop
	wait
	echo "# rounds: $(sort "$TMPDIR/rounds" | uniq -c | paste -s -d ' ')" >&3
	[ ! -e "$TMPDIR/failed" ] || cat "$TMPDIR/failed"
	[ ! -e "$TMPDIR/failed" ]
	for what in lvm vg/lv vg/spare; do
		grep -qx $what "$TMPDIR/rounds"
	done
	equal "the spare volume" "$(dmsetup table vg-spare | cut -d ' ' -f 1-3)" "0 40960 linear"
	equal "the volume, in MiB" "$(($(blockdev --getsz /dev/mapper/vg-lv) / 2048))" \
		"$(lvs --noheadings --nosuffix --units m -o lv_size vg/lv 2>/dev/null | sed 's/ *//; s/\..*//')"
	umount /run/mnt
	e2fsck -fn /dev/mapper/vg-lv
}

# lvextend_into_attach STRACE-OPTION...: dmpctl waits before its load, and before its resume;
# lvextend begins in the first of these times, and waits between its suspend and its resume,
# which comes in the second. Prints the sectors of the volume.
lvextend_into_attach()
{
	rm "$TMPDIR/strace"
	strace -qq -o "$TMPDIR/strace" -e trace=ioctl,flock "$@" \
		-e inject=ioctl:delay_enter=20s:when="$dmpctl_load+1" "$DMP_TOOLS/dmpctl" attach vg/lv &
	eventually grep -qs DM_TABLE_STATUS "$TMPDIR/strace"
	quiet strace -qq -f -o /dev/null -e trace=ioctl \
		-e inject=ioctl:delay_exit=21s:when="$lvm_suspend" lvextend -L 60M vg/lv || return
	wait $! || return
	blockdev --getsz /dev/mapper/vg-lv
}

@test "what LVM loads is lost to a dmpctl without LVM's lock, and not to one with it" {
	lvm_start 100M
	quiet lvcreate -y -n lv -L 40M vg
	lvm_suspend=$(nr_of DM_DEV_SUSPEND lvextend -L 60M vg/lv)
	quiet lvreduce -f -y -L 40M vg/lv
	dmpctl_load=$(nr_of DM_TABLE_LOAD "$DMP_TOOLS/dmpctl" attach vg/lv)
	dmpctl detach vg/lv
	equal "size with the lock" "$(lvextend_into_attach)" 122880

	quiet lvreduce -f -y -L 40M vg/lv
	# flock() does nothing, and says that it did
	equal "size without the lock" "$(lvextend_into_attach -e inject=flock:retval=0)" 81920
}

@test "what it refuses" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	refuses()
	{
		run ! dmpctl "${@:2}"
		equal "${*:2}" "$output" "dmpctl: $1"
		equal table "$(types vg-lv)" linear
	}
	refuses "nothing: no such device-mapper device" attach nothing
	refuses "/dev/nothing: No such file or directory" attach /dev/nothing
	refuses "/dev/null: not a block device" attach /dev/null
	refuses "${pvs[0]}: not a device-mapper device" attach "${pvs[0]}"
	refuses "vg-lv: has no dmp segment, but linear; attach it first: dmpctl attach --latency" latency on vg/lv
	refuses "expected on or off, not maybe" latency maybe vg/lv
	refuses "unknown command attachment, see dmpctl --help" attachment vg/lv
	refuses "expected: dmpctl detach VOLUME..." detach --latency vg/lv
	refuses "expected: dmpctl list [-J]" list vg/lv
	refuses "/dev/mapper/vg-lv: is a device-mapper volume, use dmpctl attach" create dmp1 /dev/mapper/vg-lv
	refuses "/dev/nothing: No such file or directory" create dmp1 /dev/nothing
	refuses "/dev/null: not a block device" create dmp1 /dev/null
	refuses "vg-lv: has no dmp segment; attach it first: dmpctl attach" reset vg/lv
	dev=$(loop 1M)
	run ! dmpctl create vg-lv "$dev"
	[[ $output == *"dmpctl: vg-lv: not created; is $dev in use, or the name taken? dmesg may say why" ]]
	run -0 dmpctl --help
	[[ $output == "usage: dmpctl COMMAND "* ]]
	run -2 dmpctl
	[[ $output == "usage: dmpctl COMMAND "* ]]
	run -2 dmpctl --nothing
	[[ $output == *"dmpctl: unrecognized option '--nothing'" ]]
	dmsetup suspend vg-lv
	refuses "vg-lv: is suspended by another program, which is changing the volume or has failed (dmsetup resume)" attach vg-lv
	dmsetup resume vg-lv
	dmsetup load vg-lv --table "0 8 zero"
	refuses "vg-lv: has an inactive table of another program, which is changing the volume or has failed (dmsetup clear drops the table)" attach vg-lv
	dmsetup clear vg-lv
	quiet lvchange -p r vg/lv
	refuses "vg-lv: is read-only; use --force to change its table" attach vg/lv
	dmpctl attach --force vg/lv
	equal "read-only" "$(blockdev --getro /dev/mapper/vg-lv)" 1
	dmpctl detach --force vg/lv
	dmsetup create zero1 --table "0 16 zero"
	refuses "zero1: has no linear segment, but zero; attach the volumes below it (internal ones of LVM with --force), or use dmpctl create for a device" attach zero1
	dmsetup create both --table "0 8 linear $dev 0
8 8 snapshot-origin $dev"
	refuses "both: has a snapshot-origin segment, which must not be in two tables at once; use the volumes below it" attach both
	dmsetup create lossy --table "0 8 linear $dev 0
8 8 dust $dev 8 512"
	refuses "lossy: has a dust segment, which must not be in two tables at once; use the volumes below it" attach lossy
	while read -r name uuid why; do
		dmsetup create "$name" --uuid "$uuid" --table "0 8 linear $dev 0"
		refuses "$name: is $why; use --force to change its table" attach "$name"
		dmpctl attach --force "$name"
		equal "$name by force" "$(types "$name")" dmp
	done <<-END
		mpatha-part1 part1-mpath-3600 a partition of a multipath device
		other-lv_tdata LVM-1 internal to LVM
		other-pool LVM-$(printf '%064d' 1)-tpool internal to LVM
	END
	echo 'global { locking_dir="/proc/none" }' >>/run/lvm/lvm.conf
	refuses "/proc/none: No such file or directory" attach vg/lv
	echo 'global { locking_dir="/run/lock/lvm" use_lvmlockd=1 }' >>/run/lvm/lvm.conf
	refuses "vg-lv: volume groups under lvmlockd are not supported" attach vg/lv
	lvm_configure
	run ! as_nobody "$DMP_TOOLS/dmpctl" list
	equal "non-root" "$output" "dmpctl: must be run by root"
}

@test "it finds a volume by each of its names, also one that is renamed while dmpctl waits" {
	create dmp1 "$(loop 1M)"
	disk=$(basename "$(sysfs dmp1)")
	for name in dmp1 /dev/mapper/dmp1 "$disk" "$(cat "/sys/block/$disk/dev")"; do
		write_4k dmp1 1
		dmpctl reset "$name"
		equal "reset by $name" "$(stats dmp1 write)" "0 0 0"
	done
	exec {lock}>/run/dmpctl.lock
	flock "$lock"
	"$DMP_TOOLS/dmpctl" detach dmp1 >"$TMPDIR/out" 2>&1 {lock}>&- &
	eventually grep -q -- '-> FLOCK' /proc/locks
	dmsetup rename dmp1 dmp2
	exec {lock}>&-
	status=0
	wait $! || status=$?
	equal status $status 1
	equal "renamed" "$(cat "$TMPDIR/out")" "dmpctl: dmp1: was renamed meanwhile, try again"
	equal "not detached" "$(types dmp2)" dmp
}

@test "names that libdevmapper mangles, and others that it would" {
	dev=$(loop 8M)
	run -0 dmpctl create 'my vol' "$dev"
	equal path "$output" '/dev/mapper/my\x20vol'
	[ -b "$output" ]
	dmpctl latency on 'my vol'
	dmpctl latency off 'my\x20vol'
	dmpctl detach "$output"
	dmpctl attach --latency "$output"
	write_4k 'my\x20vol' 1
	equal "dmpstat" "$("$DMP_TOOLS/dmpstat" -H -o reqs -e write 'my vol')" 1
	equal "dmpstat" "$("$DMP_TOOLS/dmpstat" -H -o volume -e write 'my v*')" 'my\x20vol'
	dmsetup --manglename none create "a b" --table "0 8 linear $dev 0"
	dmpctl attach --latency "$(disk_of "a b")"
	dd if="/dev/$(disk_of "a b")" of=/dev/null bs=4k count=1 iflag=direct status=none
	run -0 dmpctl list
	[[ $output == *$'\n''my\x20vol   '*"attached"* ]]
	[[ $output == *$'\n'"a b   "*"attached"* ]]
	run -0 "$DMP_TOOLS/dmpstat" -x "a b"
	equal "joint histogram" "${lines[0]}" "a b read: 1 requests by size and latency"
	dmpctl latency off "a b"
	dmsetup create 'a b' --table "0 8 linear $dev 0"
	dmpctl attach "a b"
	equal "the other volume" "$(types 'a\x20b')" linear
	dmpctl attach 'a\x20b'
	equal "the other volume" "$(types 'a\x20b')" dmp
	dmpctl detach "$(disk_of "a b")"
	dmsetup --manglename none remove "a b"
}

# disk_of NAME: the disk of a volume whose name is not mangled
disk_of()
{
	basename "$(dirname "$(dirname "$(grep -lxF "$1" /sys/block/dm-*/dm/name)")")"
}

@test "the read-ahead stays, and so does one that is switched off" {
	create dmp1 "$(loop 8M)"
	for sectors in 0 64 16384; do
		blockdev --setra $sectors /dev/mapper/dmp1
		for change in detach attach "latency on" "latency off"; do
			# shellcheck disable=SC2086 # words
			dmpctl $change dmp1
			equal "$change" "$(blockdev --getra /dev/mapper/dmp1)" $sectors
		done
	done
}

# shellcheck disable=SC2016 # a name that a shell would run
@test "completion of names, which are any text" {
	dev=$(loop 1M)
	dmsetup create 'my vol' --table "0 8 dmp $dev"
	cd "$TMPDIR"
	dmsetup --manglename none create '$(touch run)' --table "0 8 dmp $dev"
	for tool in dmpctl dmpstat; do
		# shellcheck source=/dev/null
		. "$DMP_TOP/tools/dm/$tool.bash-completion"
		COMP_WORDS=("$tool" detach "") COMP_CWORD=2 COMPREPLY=()
		_$tool
		printf '%s\n' "${COMPREPLY[@]}" >"$TMPDIR/words"
		grep -qxF 'my\\x20vol' "$TMPDIR/words"
		grep -qF 'touch' "$TMPDIR/words"
		[ ! -e run ]
	done
	COMP_WORDS=(dmpctl attach --f) COMPREPLY=()
	_dmpctl
	equal option "${COMPREPLY[*]}" --force
	COMP_WORDS=(dmpctl reset my) COMPREPLY=()
	_dmpctl
	equal name "${COMPREPLY[*]}" 'my\\x20vol'
	dmsetup --manglename none remove '$(touch run)'
}

@test "volumes that are not LVM's, of one kind of segments and of several" {
	dev=$(loop 8M)
	dmsetup create plain --table "0 8192 linear $dev 0
8192 8 zero
8200 8 linear $dev 8192"
	run -0 dmpctl attach plain
	equal said "$output" "dmpctl: plain: sectors 8192 to 8199 stay zero"
	equal types "$(types plain)" "dmp zero dmp"
	dmpctl detach plain
	equal types "$(types plain)" "linear zero linear"
	dmsetup remove plain
	run -0 dmpctl create dmp1 "$dev" --latency
	equal node "$output" /dev/mapper/dmp1
	equal sectors "$(blockdev --getsz /dev/mapper/dmp1)" 16384
	write_4k dmp1 2
	equal write "$(stats dmp1 write)" "2 8192 0"
}

@test "the list, also beside a device that has no table yet" {
	lvm_start 64M
	quiet lvcreate -y -n lv -L 40M vg
	create dmp1 "$(loop 8M)"
	dmsetup create empty --notable
	run -1 dmpctl attach empty
	equal "no table" "$output" "dmpctl: empty: has no linear segment, but no table; attach the volumes below it (internal ones of LVM with --force), or use dmpctl create for a device"
	run -0 dmpctl list
	equal list "${lines[*]}" "Volume                          State    Segments   Latency Since dmp1                            attached   1 of 1   off     -"
	dmpctl attach --latency vg/lv
	run -0 dmpctl list
	[[ ${lines[*]} == *"vg-lv                           attached   1 of 1   on      $(date +%Y-%m-%dT)"* ]]
	dmpctl list -J >"$TMPDIR/list"
	perl -MJSON::PP -0777 -ne 'my ($v) = grep { $_->{name} eq "vg-lv" } @{decode_json($_)->{volumes}};
		print join(" ", @$v{qw(state dmp_segments linear_segments latency)}), "\n"' \
		"$TMPDIR/list" >"$TMPDIR/fields"
	equal JSON "$(cat "$TMPDIR/fields")" "attached 1 0 on"
	quiet lvchange --refresh vg/lv
	[[ $(dmpctl list) == *"vg-lv                           lost       0 of 1   off     -"* ]]
	list_full() { dmpctl list -J >/dev/full; }
	run -1 list_full
	equal "a full disk" "$output" "dmpctl: cannot write the output: No space left on device"
}
