#!/usr/bin/env bats
# What scripts/install does without changing the machine. That it installs is a matter of
# a machine of its own.

bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_DIRNAME/../../.." || return
	source=$BATS_TEST_TMPDIR/source
}

@test "--source writes what make and DKMS need, to a new directory only" {
	run -0 scripts/install --source "$source"
	[ -e "$source/dm-dmp.c" ]
	[ -e "$source/Kbuild" ]
	grep -q '^PACKAGE_NAME="dm-dmp"' "$source/dkms.conf"
	run -1 scripts/install --source "$source"
	[[ $output == *"exists, expected the name of a new directory" ]]
}

@test "who is not root is told" {
	printf '#!/bin/sh\necho 1000\n' >"$BATS_TEST_TMPDIR/id"
	chmod +x "$BATS_TEST_TMPDIR/id"
	PATH=$BATS_TEST_TMPDIR:$PATH run -1 scripts/install
	[[ $output == *"must be run by root: sudo scripts/install" ]]
}

@test "a kernel that is not there is refused" {
	run -1 scripts/install --kernel 9.9.9-none
	[[ $output == *"no kernel 9.9.9-none here, expected one of: "* ]]
}
