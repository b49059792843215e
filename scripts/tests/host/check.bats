#!/usr/bin/env bats
# The quick part of scripts/check passes, and scripts/check fails if a check does.

bats_require_minimum_version 1.5.0

setup_file()
{
	export RESULTS=$BATS_FILE_TMPDIR/results
	"$BATS_TEST_DIRNAME/../../check" --quick >"$RESULTS" 2>"$RESULTS.log" || true
}

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
}

# passes NAME: whether the check passed; a skipped one skips the test
passes()
{
	local result
	result=$(grep "^$1: " "$RESULTS")
	case $result in
	*": skipped: "*) skip "${result#*: skipped: }" ;;
	*": passed in "*) return ;;
	esac
	cat "$RESULTS.log"
	return 1
}

@test "checkpatch --strict finds nothing in any patch" { passes checkpatch; }
@test "codespell finds nothing" { passes codespell; }
@test "kernel-doc -Wall has nothing to say of the target" { passes kernel-doc; }
@test "the ABI files are valid, alone and among the others" { passes abi; }
@test "htmldocs gives no warning that the clean tree does not give" { passes htmldocs; }
@test "every patch of drivers/md builds on its own" { passes patches/gcc-m; }
@test "every patch of tools/dm builds on its own" { passes patches/tools; }

@test "these are all of the quick part" {
	count=$(grep -c '' "$RESULTS")
	[ "$(grep -c ' passes .*; }$' "$BATS_TEST_FILENAME")" = $((count - 1)) ]
}

@test "a check that fails is reported, with its log" {
	copy=$BATS_TEST_TMPDIR/copy
	cp -r "$DMP_TOP" "$copy"
	# spelt so that this file passes
	printf '# t%s\n' eh >>"$copy/kunit/dm_dmp.kunitconfig"
	run -1 "$copy/scripts/check" codespell kernel-doc
	[[ $output == *"==> the"*$'\n'"codespell: failed in "*" s, see $DMP_CACHE/log/check-codespell.log"$'\n'* ]]
	[[ $output == *$'\n'"kernel-doc: passed in "* ]]
	[ "${lines[-1]}" = "1 passed, 1 failed" ]
}

@test "a part that has no name is refused" {
	run -1 "$DMP_TOP/scripts/check" patches/nonsense
	[[ $output == *"no check patches/nonsense"* ]]
	[ "$("$DMP_TOP/scripts/check" --list | grep -c /)" -gt 10 ]
}
