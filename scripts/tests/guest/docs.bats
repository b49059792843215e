#!/usr/bin/env bats
# The examples in the documentation are what really happens.

bats_require_minimum_version 1.5.0
load ../guest

# example SECTION: the first literal block of a section that has commands
example()
{
	awk -v section="$1" '
		$0 == section { here = 1; next }
		here && /^    # / { block = 1 }
		block && /^[^ ]/ { exit }
		block && /^    / { print substr($0, 5) }
	' "$DMP_TOP/Documentation/admin-guide/device-mapper/dm-dmp.rst"
}

# play an example: its commands, each with what it printed, but for dd's report
play()
{
	local line
	while IFS= read -r line; do
		[[ $line == '# '* ]] || continue
		printf '%s\n' "$line"
		eval "${line#\# }" 2>&1 || true
	done | grep -vE '^[0-9+]+ records|bytes .*copied' | expand
}

same_as_written()
{
	example "$1" >"$TMPDIR/written"
	[ -s "$TMPDIR/written" ]
	play <"$TMPDIR/written" >"$TMPDIR/played"
	diff "$TMPDIR/written" "$TMPDIR/played"
}

@test "the example" {
	same_as_written Example
}

@test "bad tables" {
	dmsetup create zero1 --table "0 2097152 zero"
	same_as_written "Bad tables"
}
