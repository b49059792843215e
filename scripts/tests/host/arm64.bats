#!/usr/bin/env bats
# What dmp costs on arm64, as scripts/bench measures it.

bats_require_minimum_version 1.5.0

# over KIND: instructions of a read on KIND over those on dm-linear
over()
{
	awk -v kind="$1" '$1 == kind { print $3 + 0 }' <<<"$output"
}

@test "a read takes no more instructions over dm-linear than it may" {
	cd "$BATS_TEST_DIRNAME/../../.." || return
	run -0 --separate-stderr scripts/bench arm64
	printf '%s\n' "$output" | sed 's/^/# /' >&3
	# 109 and 335 with gcc 12; other compilers may need some more
	[ "$(over dmp)" -le 120 ]
	[ "$(over dmp+latency)" -le 370 ]
}
