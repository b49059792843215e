#!/usr/bin/env bats
# Generated table lines and messages: each is taken or refused as the documentation says.

bats_require_minimum_version 1.5.0
load ../guest

setup_file()
{
	gcc -O1 -Wall -Wextra -Wno-missing-field-initializers -o "$TMPDIR/generated" \
		"$BATS_TEST_DIRNAME/../generated.c"
	# each resume waits for RCU several times
	echo 1 >/sys/kernel/rcu_expedited
}

# DMP_LINES is how many there are. They are the same in each run. A kernel with kmemleak and
# lockdep is slow, and gets a quarter of them.
@test "each generated table line and message has the right verdict" {
	fine=$(loop 1M)
	truncate -s 2M "$TMPDIR/coarse.img"
	coarse=$(losetup --find --show --sector-size 4096 "$TMPDIR/coarse.img")
	count=${DMP_LINES:-2000}
	[ ! -e /sys/kernel/debug/kmemleak ] || grep -qw kmemleak=off /proc/cmdline || count=$((count / 4))
	run "$TMPDIR/generated" "$count" 1 "$fine" "$coarse"
	tail -n 100 <<<"$output"
	[ "$status" = 0 ]
	printf '# %s\n' "${lines[@]}" >&3
}
