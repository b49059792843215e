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
	shellcheck --external-sources --source-path=SCRIPTDIR \
		scripts/{bench,demo,install,package,series,test} .ci/run scripts/lib/*.sh \
		scripts/lib/{bench-init,guest-init,stock-init,play-session} scripts/tests/run \
		scripts/tests/*.bash scripts/tests/*/*.bats
	shellcheck --shell=bash tools/dm/dmpctl.bash-completion
}

@test "codespell finds nothing" {
	codespell README.md contrib drivers Documentation dkms kunit patches scripts tools .ci
}

@test "every script answers --help" {
	for script in scripts/{bench,demo,install,package,series,test} scripts/tests/run; do
		run -0 "$script" --help
		[[ $output == "usage: $script"* ]]
	done
}

@test "a wrong argument is refused" {
	for script in scripts/{bench,demo,install,package,series,test}; do
		run -1 "$script" --nonsense
		[[ $output == *--help* ]]
	done
	run -1 scripts/test guest/nothing
	[[ $output == *"no test guest/nothing"* ]]
	run -1 scripts/demo --linux /nonexistent
	[[ $output == *"not a kernel tree"* ]]
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

@test "the demo plays the session" {
	run -0 scripts/demo
	[[ $output == *"# insmod dmp.ko; lsmod | grep dmp"* ]]
	[[ $output == *$'write:\n\treqs: 1\n\tavg size: 4096\n'* ]]
	[[ $output == *"the session ended well"* ]]
}

@test "the demo fails when a step fails" {
	DMP_SCRATCH=$BATS_TEST_TMPDIR
	uml_build
	run ! uml_run 60 sh -c "insmod '$DMP_BUILD/drivers/md/dmp.ko'; exec '$DMP_TOP/scripts/lib/play-session'"
	[[ $output != *"dmsetup create"* ]]
}

@test "a guest that hangs is ended and reported" {
	DMP_SCRATCH=$BATS_TEST_TMPDIR
	uml_build
	SECONDS=0
	run ! uml_run 10 sleep 1000
	[ $SECONDS -lt 30 ]
	[[ $output == *"did not come to an end within 10 s"* ]]
	run ! pgrep -f "uml_dir=$DMP_SCRATCH"
}
