#!/usr/bin/env bats
# The scripts keep their promises.

bats_require_minimum_version 1.5.0

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/series.sh"
	. "$DMP_TOP/scripts/lib/kernel.sh"
	cd "$DMP_TOP"
}

@test "shellcheck finds nothing" {
	# of the directories that are links, only once
	mapfile -t bats < <(find scripts/tests -name '*.bats' -type f)
	shellcheck --external-sources --source-path=SCRIPTDIR \
		scripts/{bench,check,demo,install,package,series,test} .ci/run scripts/lib/*.sh \
		scripts/lib/{bench-init,guest-init,guest-job,boot-init,play-session,play-demo} scripts/tests/run \
		scripts/tests/*.bash "${bats[@]}"
	shellcheck --shell=bash tools/dm/*.bash-completion
}

@test "every script answers --help" {
	for script in scripts/{bench,check,demo,install,package,series,test} scripts/tests/run; do
		run -0 "$script" --help
		[[ $output == "usage: $script"* ]]
	done
}

@test "a wrong argument is refused" {
	for script in scripts/{bench,check,demo,install,package,series,test}; do
		run -1 "$script" --nonsense
		[[ $output == *--help* ]]
	done
	run -1 scripts/test guest/nothing
	[[ $output == *"no test guest/nothing"* ]]
	run -1 scripts/demo --linux /nonexistent
	[[ $output == *"not a kernel tree"* ]]
}

@test "a checkout or a cache in a path with a space is refused at once" {
	copy="$BATS_TEST_TMPDIR/a copy"
	mkdir "$copy"
	cp -r scripts patches "$copy"
	for command in "scripts/test kunit" scripts/demo "scripts/bench --check" "scripts/series check"; do
		# shellcheck disable=SC2086 # words
		(cd "$copy" && run -1 $command && echo "$output" >"$BATS_TEST_TMPDIR/said")
		grep -q "expected paths without spaces, .* not $copy or " "$BATS_TEST_TMPDIR/said"
		# shellcheck disable=SC2086 # words
		run -1 env XDG_CACHE_HOME="$BATS_TEST_TMPDIR/a cache" $command
		[[ $output == *"expected paths without spaces, "*" or $BATS_TEST_TMPDIR/a cache/dm-dmp: "* ]]
	done
}

@test "what is missing is named with the line that installs it" {
	id() { echo 1000; }
	run -1 need no-such-command:some-package /no/such/file:other-package git:git
	[[ $output == *"apt-get install"*"some-package other-package" ]]
}

@test "a long step that fails says so, and where its log is" {
	# in a shell of its own: under run, errors do not end a function
	run -1 env XDG_CACHE_HOME="$BATS_TEST_TMPDIR" bash -c '
		. scripts/lib/common.sh
		step() { echo working; false; echo "not reached"; }
		progress "long step" step'
	[[ $output == *"long step failed, see $BATS_TEST_TMPDIR/dm-dmp/log/long-step.log" ]]
	[[ $output == *working* && $output != *"not reached"* ]]
}

@test "a git checkout is copied as committed, and not modified" {
	DMP_CACHE=$BATS_TEST_TMPDIR/cache
	dir=$BATS_TEST_TMPDIR/checkout
	git init -q "$dir"
	cd "$dir"
	touch Kbuild
	echo committed >file
	git add .
	git -c user.name=T -c user.email=t@localhost commit -q -m 1
	echo changed >file
	touch untracked
	before=$(find . -printf '%p %T@ %s\n' | sort | sha256sum)

	kernel_import "$dir"
	[ "$(cat "$DMP_KERNEL/file")" = committed ]
	[ ! -e "$DMP_KERNEL/untracked" ]
	[ "$(find . -printf '%p %T@ %s\n' | sort | sha256sum)" = "$before" ]

	# nothing changed, nothing copied
	touch "$DMP_KERNEL/mark"
	kernel_import "$dir"
	[ -e "$DMP_KERNEL/mark" ]
	git -c user.name=T -c user.email=t@localhost commit -q -a -m 2
	kernel_import "$dir"
	[ "$(cat "$DMP_KERNEL/file")" = changed ]
}

@test "a plain tree is copied as it is, and not modified" {
	DMP_CACHE=$BATS_TEST_TMPDIR/cache
	dir=$BATS_TEST_TMPDIR/plain
	mkdir "$dir"
	touch "$dir/Kbuild"
	echo one >"$dir/file"
	kernel_import "$dir"
	[ "$(cat "$DMP_KERNEL/file")" = one ]
	touch "$DMP_KERNEL/mark"
	kernel_import "$dir"
	[ -e "$DMP_KERNEL/mark" ]
	echo two >"$dir/file"
	kernel_import "$dir"
	[ "$(cat "$DMP_KERNEL/file")" = two ]
	[ "$(cat "$dir/file")" = two ]
}

@test "the demo plays the session, and shows a load" {
	run -0 scripts/demo
	[[ $output == *"# insmod dmp.ko; lsmod | grep dmp"* ]]
	[[ $output == *$'write:\n\treqs: 1\n\tavg size: 4096\n'* ]]
	[ "$(grep -c '^dmp1   read .*us\|^dmp1   read .*ms' <<<"$output")" -ge 3 ]
	[[ $output == *"dmp1 read: "*" requests by size and latency"* ]]
	picture=$(sed -n 's/.* as a picture, .*: //p' <<<"$output")
	xmllint --noout "$picture"
	grep -q '>read: [0-9]* requests' "$picture"
	[[ $output == *"the session ended well"* ]]
}

# guest: get ready for uml_run
guest()
{
	DMP_SCRATCH=$BATS_TEST_TMPDIR
	uml_build
}

@test "the demo fails when a step fails" {
	guest
	run -1 uml_run 120 sh -c "insmod '$DMP_BUILD/drivers/md/dmp.ko'; exec '$DMP_TOP/scripts/lib/play-session'"
	[[ $output == *"# insmod dmp.ko"*"File exists"* ]]
	[[ $output != *"dmsetup create"* ]]
}

@test "a guest that hangs is ended and reported" {
	guest
	run -1 uml_run 20 sh -c 'cat /run/out/*/pid; exec sleep 1000'
	[[ $output == *"did not end within 20 s"* ]]
	pid=$(grep -xm 1 '[0-9][0-9]*' <<<"$output")
	# a zombie, as long as nobody waits for it, has no command line
	run ! grep -q . "/proc/$pid/cmdline"
}

# kill_guest FILE: kill the guest of this test when its job has made a file
kill_guest()
{
	until compgen -G "$DMP_SCRATCH/guest.*/$1" >/dev/null; do sleep 0.1; done
	kill -KILL "$(cat "$DMP_SCRATCH"/guest.*/*/pid)"
}

@test "a guest that dies is reported at once" {
	guest
	kill_guest started &
	run -1 uml_run 300 sh -c 'touch /run/out/started; exec sleep 1000'
	[[ $output == *"the guest died after "*" s, before its job was done"* ]]
	wait $!
}

@test "a guest whose kernel panics is reported at once, with its log" {
	guest
	DMP_TOP=/nowhere run -1 uml_run 300 true
	[[ $output == *"the guest died after "*" s, before its job was done"* ]]
	[[ $output == *"Kernel panic"*"Requested init /nowhere/"* ]]
}

@test "a guest that dies after its job was done fails" {
	guest
	kill_guest status &
	run -1 uml_run 300 sh -c 'echo 0 >/run/out/status; exec sleep 1000'
	[[ $output == *"the guest did not power off, it ended with status 137"* ]]
	wait $!
}

@test "a guest fails whose kernel complained, though nobody sees it any more" {
	guest
	run -0 uml_run 120 sh -c 'echo nothing is wrong >/dev/kmsg'
	run -1 uml_run 120 sh -c 'echo "WARNING: of a test" >/dev/kmsg; dmesg -C'
	[[ $output == *"the guest's kernel complained:"*"WARNING: of a test" ]]
}

# tests_of NAME BODY...: run scripts/test for a copy of this checkout, in which guest/this.bats
# has these tests; the kernel is the one that is there already
tests_of()
{
	local copy=$BATS_TEST_TMPDIR/copy
	mkdir "$copy"
	cp -r scripts patches kunit drivers Documentation tools "$copy"
	: >"$copy/scripts/tests/guest/this.bats"
	# bats makes a function of a line that begins with this word, wherever it is
	[ $# = 0 ] || printf "@""test '%s' { %s; }\n" "$@" >"$copy/scripts/tests/guest/this.bats"
	run -1 "$copy/scripts/test" guest/this
}

@test "a file without tests fails" {
	tests_of
	[[ $output == *"guest/this has no such tests"* ]]
	[ "${lines[-1]}" = "0 passed, 1 failed" ]
}

@test "a run fails in which all tests are skipped, and says why they were" {
	tests_of "this: one" "skip 'of no reason'" another skip
	[[ $output == *$'\nskipped: guest/this: this: one: of no reason\nskipped: guest/this: another: \n'*$'\nno test passed\n'* ]]
	[ "${lines[-1]}" = "0 passed, 0 failed, 2 skipped" ]
}

@test "one test of a file, by its name" {
	tests_of "this: (one)" true "this: (one), and more" false
	[[ $output == *$'\nfailed: guest/this: this: (one), and more\n'* ]]
	run -0 "$BATS_TEST_TMPDIR/copy/scripts/test" "guest/this:this: (one)"
	[ "${lines[-1]}" = "1 passed, 0 failed" ]
	run -1 "$BATS_TEST_TMPDIR/copy/scripts/test" "guest/this:this"
	[[ $output == *"guest/this has no such tests"* ]]
}

# race FUNCTION [CALLER...]: a report of KCSAN
race()
{
	cat <<-END
		==================================================================
		BUG: KCSAN: data-race in $1 / other_function

		read to 0xffff888003c11a40 of 8 bytes by task 135 on cpu 1:
		 $1
		$(printf ' %s\n' "${@:2}")
		==================================================================
	END
}

@test "a data race is a complaint only if dmp has a part in it" {
	. scripts/lib/kernel-log.sh
	run -0 kernel_complaints - < <(race "dmp_map+0x1b/0x40 [dmp]")
	[[ $output == "BUG: KCSAN: data-race in dmp_map"* ]]
	run -1 kernel_complaints - < <(race "dm_map+0x1b/0x40 [dm_mod]")
	[ "$output" = "" ]
	# in what dmp calls, but for the clock
	run -0 kernel_complaints - < <(race "memset+0x1b/0x40" "dmp_level_reset+0x1b/0x40 [dmp]")
	[[ $output == "BUG: KCSAN: data-race in memset"* ]]
	run -1 kernel_complaints - < <(race "ktime_get" "dmp_map_timed+0x1b/0x40 [dmp]")
	[ "$output" = "" ]
	# in an interrupt that came while dmp ran, but for the stack of the other access
	interrupt=("run_timer_softirq+0x45c/0x4f0" "asm_sysvec_apic_timer_interrupt+0x16/0x20" "dmp_map+0x1b/0x40 [dmp]")
	run -1 kernel_complaints - < <(race "${interrupt[@]}")
	[ "$output" = "" ]
	run -0 kernel_complaints - < <(race "${interrupt[@]}" "" "write to 0xffff888003c11a40 of 8 bytes by task 136 on cpu 0:" \
		"dmp_map+0x1b/0x40 [dmp]")
	run -0 kernel_complaints - < <(race "dm_map+0x1b/0x40 [dm_mod]"; echo "BUG: sleeping function")
	[ "$output" = "BUG: sleeping function" ]
	# a log may end within a report
	run -0 kernel_complaints - < <(race "dmp_map+0x1b/0x40 [dmp]" | head -n 6)
}

@test "kmemleak that is disabled is a complaint, unless the command line disables it" {
	. scripts/lib/kernel-log.sh
	disabled="kmemleak: Kernel memory leak detector disabled"
	run -0 kernel_complaints - < <(printf '%s\n' "Kernel command line: quiet" "$disabled")
	[ "$output" = "$disabled" ]
	run -1 kernel_complaints - < <(printf '%s\n' "Kernel command line: quiet kmemleak=off" "$disabled")
	[ "$output" = "" ]
}
