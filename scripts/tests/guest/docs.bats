#!/usr/bin/env bats
# The examples in the documentation are what really happens.

bats_require_minimum_version 1.5.0
load ../guest
load ../lvm
load ../dmpstat

pages=(
	Documentation/admin-guide/device-mapper/dm-dmp.rst
	Documentation/admin-guide/device-mapper/dm-dmp-design.rst
	README.md
)

# blocks that no guest can run, by their first command, and why
declare -gA elsewhere=(
	['# dmpstat 1 3']="a load, which scripts/demo shows: host/scripts"
	['$ sudo scripts/install']="installs a module for the machine that runs the tests: host/install, host/dkms"
)
tracing="# echo 1 > /sys/kernel/tracing/events/percpu/percpu_alloc_percpu/enable"

setup()
{
	clear_log
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true
	[ -d /sys/kernel/tracing/events/percpu ] ||
		elsewhere[$tracing]="user-mode Linux has no tracepoints: stock/docs"
}

clean()
{
	[ ! -e /sys/kernel/tracing/events/enable ] || echo 0 >/sys/kernel/tracing/events/enable
	lvm_stop
	rm -rf /run/lvm /run/dmpctl
	dmsetup remove_all
	losetup -D
	rm -f /dev/sdb "$TMPDIR"/*.img
	modprobe -r dmp
}

teardown()
{
	clean
	guest_teardown
}

# blocks PAGE: its literal blocks with commands, which are behind a prompt, each below a
# line "@", section, tab, first command
blocks()
{
	awk '
		function end_block() {
			if (first)
				printf "@%s\t%s\n%s", section, first, block
			block = first = ""
		}
		/^[^ ]/ { end_block() }
		/^=+$/ && length(last) == length($0) { section = last }
		/^##? / { section = substr($0, index($0, " ") + 1) }
		/^    / { block = block substr($0, 5) "\n" }
		/^    [#$] / && !first { first = substr($0, 5) }
		{ last = $0 }
		END { end_block() }' "$DMP_TOP/$1"
}

# sections PAGE: those that have commands
sections()
{
	blocks "$1" | sed -n 's/^@\(.*\)\t.*/\1/p' | uniq
}

# session PAGE SECTION: its blocks that run here, one after the other
session()
{
	blocks "$1" | awk -F '\t' -v section="@$2" -v elsewhere="$(printf '%s\n' "${!elsewhere[@]}")" '
		BEGIN {
			n = split(elsewhere, list, "\n")
			for (i = 1; i <= n; i++)
				skip[list[i]] = 1
		}
		/^@/ { here = $1 == section && !($2 in skip); next }
		here'
}

# play SESSION: its commands, each with what it printed, but for dd's report. A file that
# it shows by cat, with a name of its own, is one that the reader is to write.
play()
{
	local line
	awk '/^# cat [^ \/]*$/ { file = $3; next } /^# / { file = "" } file { print >file }' "$1"
	while IFS= read -r line; do
		[[ $line == '# '* ]] || continue
		printf '%s\n' "$line"
		eval "${line#\# }" 2>&1 </dev/null || true
	done <"$1" | grep -vE '^[0-9+]+ records|bytes .*copied' | expand
}

# slow_reads: 18 reads of 4 KiB that take 650 ms, and 2 of 64 KiB that take twice as long
slow_reads()
{
	dmsetup create slow1 --table "0 $size delay /dev/mapper/zero1 0 650"
	create dmp1 /dev/mapper/slow1 0 1 latency
	dd if=/dev/mapper/dmp1 of=/dev/null bs=4k count=18 iflag=direct status=none
	dmsetup reload slow1 --table "0 $size delay /dev/mapper/zero1 0 1300"
	dmsetup resume slow1
	dd if=/dev/mapper/dmp1 of=/dev/null bs=64k count=2 iflag=direct status=none
}

# file_system: a volume of LVM with an ext4 that was written to
file_system()
{
	dmpctl attach --latency vg/lv
	quiet mkfs.ext4 -q /dev/vg/lv
	mount /dev/vg/lv /run/mnt
	dd if=/dev/zero of=/run/mnt/file bs=1M count=4 conv=fsync status=none
	umount /run/mnt
}

# prepare PAGE SECTION SESSION: what the session finds
prepare()
{
	clean
	size=2097152
	if grep -q zero1 "$3" && ! grep -q 'create zero1' "$3" || [[ $2 == "Read the statistics" ]]; then
		dmsetup create zero1 --table "0 $size zero"
	fi
	if grep -qE 'vg[-/]lv' "$3"; then
		lvm_start 64M
		quiet lvcreate -y -n lv -L 40M vg
	fi
	! grep -q /dev/sdb "$3" || ln -s "$(loop 1G)" /dev/sdb
	case $1:$2 in
	"README.md:Read the statistics") slow_reads ;;
	README.md:dm-dmp) file_system ;;
	esac
}

# mask PAGE SECTION: hide what differs each time: device-mapper's major number, times, and
# lines of a trace. In two sections of the README, all numbers are those of one machine:
# only their places are compared.
mask()
{
	case $1:$2 in
	README.md:dm-dmp | "README.md:See it work"*) sed -E 's/\b[0-9]+\b/N/g' | uniq ;;
	*) sed -E 's/\b25[0-9]:/major:/; s/20[0-9T:-]{17}[+-][0-9]{4}/time/; /: call_site=/d' ;;
	esac
}

# only_late WRITTEN PLAYED: whether they differ in latencies only, which were longer. Of
# the cells of one size, the count is the sum, and the latency the lowest.
only_late()
{
	awk '
		FNR == 1 { file++; size = "" }
		NF == 4 && /^[a-z_]+( [0-9]+)+$/ {
			if (size != $1 " " $2) {
				size = $1 " " $2
				latency[file, ++nr[file]] = $3
				count = 0
			}
			text[file, nr[file]] = size " " (count += $4)
			next
		}
		{
			text[file, ++nr[file]] = $0
			# a row of dmpstat, whose times are not compared
			if (/[0-9](ms|s)( |$)/)
				gsub(/[0-9.]+m?s/, "time", text[file, nr[file]])
			size = ""
		}
		END {
			bad = nr[1] != nr[2]
			for (i = 1; i <= nr[1]; i++)
				if (text[1, i] != text[2, i] || latency[2, i] < latency[1, i])
					bad = 1
			exit bad
		}' "$1" "$2" || {
		diff "$1" "$2"
		return 1
	}
}

# as_written PAGE SECTION COMPARE: play the session of a section, and compare
as_written()
{
	local dir
	dir=$(mktemp -d "$TMPDIR/XXXXXX")
	session "$1" "$2" >"$dir/session"
	[ -s "$dir/session" ] || return 0
	prepare "$1" "$2" "$dir/session"
	(cd "$dir" && play session >played)
	expand "$dir/session" | mask "$1" "$2" >"$dir/written.masked"
	mask "$1" "$2" <"$dir/played" >"$dir/played.masked"
	"$3" "$dir/written.masked" "$dir/played.masked"
}

# all_as_written PAGE: its sections. A busy machine may keep a delayed request longer than
# its bucket is wide: these sections have a second try, and a third one in which requests
# may be late.
all_as_written()
{
	local section list tries try compare failed=
	mapfile -t list < <(sections "$1")
	[ ${#list[@]} -gt 0 ]
	for section in "${list[@]}"; do
		tries=1
		case $section in Recipes | "Read the statistics") tries=3 ;; esac
		for try in $(seq "$tries"); do
			compare='diff'
			[ "$try" -lt 3 ] || compare=only_late
			if as_written "$1" "$section" "$compare"; then
				continue 2
			fi
			echo "^ $1, $section, try $try of $tries"
		done
		failed=1
	done
	[ ! "$failed" ]
}

@test "the examples of dm-dmp.rst" {
	all_as_written "${pages[0]}"
}

@test "the examples of dm-dmp-design.rst" {
	all_as_written "${pages[1]}"
}

@test "the examples of README.md" {
	all_as_written README.md
}

@test "no command is left out, unless it is said why" {
	for page in "${pages[@]}"; do
		equal "commands of $page" "$(blocks "$page" | grep -c '^[#$] ')" \
			"$(grep -c '^    [#$] ' "$DMP_TOP/$page")"
	done
	for first in "${!elsewhere[@]}"; do
		for page in "${pages[@]}"; do
			blocks "$page"
		done | grep -qF $'\t'"$first"
	done
}

@test "an example that is wrong is found" {
	mkdir -p "$TMPDIR/top"
	printf '%s\n' Section ======= '' 'Text::' '' '    # echo 1; echo 2' '    1' '    3' >"$TMPDIR/top/page"
	# shellcheck disable=SC2030 # for this test only
	DMP_TOP=$TMPDIR/top
	equal sections "$(sections page)" Section
	run ! all_as_written page
	[[ $output == *"< 3"*"> 2"* ]]
}

@test "only a latency that is longer is late" {
	cd "$TMPDIR"
	printf '%s\n' '# histogram' 'read 4096 512 18' 'read 8192 1024 2' 'read 20 658ms 1.32s' >written
	only_late written written
	sed 's/^read 4096 512 18/read 4096 512 1\nread 4096 1024 17/; s/658ms/1.01s/' written >played
	only_late written played
	for wrong in 's/ 1024 2/ 768 2/' 's/ 18$/ 19/' 's/^read 20/read 21/' '/8192/d' 's/^read 8/write 8/' 's/histogram/x/'; do
		sed "$wrong" written >played
		run ! cmp -s written played
		run ! only_late written played
	done
}

@test "every file of sysfs is described" {
	zero=$(loop 1M)
	create dmp1 "$zero" 0 1 latency
	# shellcheck disable=SC2031
	abi=$DMP_TOP/Documentation/ABI/testing/sysfs-block-dm-dmp
	# shellcheck disable=SC2031
	page=$DMP_TOP/${pages[0]}
	for file in "$(sysfs dmp1)"/dmp/read/*; do
		grep -qxP "What:\t\t/sys/block/dm-<num>/dmp/<operation>/${file##*/}" "$abi"
		grep -qE "^dmp/<op>/(\w+, )?${file##*/}\>" "$page"
	done
	for op in "$(sysfs dmp1)"/dmp/*; do
		grep -q "\<${op##*/}\>" "$abi"
		grep -q "\<${op##*/}\>" "$page"
	done
}
