# shellcheck shell=bash
# Which lines of the series' own code the tests of debug/ and host/dmpstat ran, by gcov: the part
# coverage of scripts/test. Source after kernel.sh.

# coverage_lines: print "COUNT FILE LINE" for each line with code, and "COUNT FILE FUNCTION" for each
# function, from the counts in the current directory; those of a header are the largest of all its
# users'. FILE is a path in the kernel tree: tools/dm is compiled in its directory.
coverage_lines()
{
	gcov --json-format --stdout -- *.gcda | jq -rs '
		[.[].files[] |
			(.file | if contains("/") then sub(".*/drivers/md/"; "drivers/md/") else "tools/dm/" + . end) as $file |
			select($file | test("^(drivers/md/dm-dmp|tools/dm/)")) |
			(.lines[] | {$file, what: .line_number, count}),
			(.functions[] | {$file, what: .name, count: .execution_count})] |
		group_by([.file, .what])[] | max_by(.count) | "\(.count) \(.file) \(.what)"'
}

# coverage_merge DIR: the counts of all test files, and the notes of the compiler, into DIR
coverage_merge()
{
	local dir=$1 counts
	mkdir "$dir"
	for counts in "$DMP_RESULTS"/debug/*.gcov; do
		if [ -z "$(ls "$dir")" ]; then
			cp "$counts"/* "$dir"
		else
			gcov-tool merge -o "$dir.new" "$dir" "$counts"
			rm -r "$dir"
			mv "$dir.new" "$dir"
		fi
	done
	cp "$DMP_KERNEL"+debug/drivers/md/dm-dmp*.gcno "$DMP_TOOLS"+gcov/*.gcno "$dir"
}

# coverage_missed FILE: print the lines that did not run, as scripts/tests/not-covered lists them
# before the reason: file, and the text of the line
coverage_missed()
{
	local count file what
	while read -r count file what; do
		[ "$count" = 0 ] || continue
		case $what in
		*[!0-9]*) ;;
		*) sed -n "${what}s|^[[:space:]]*|$file: |p" "$DMP_TOP/$file" ;;
		esac
	done <"$1" | sort -u
}

# coverage_test NUMBER NAME COMMAND...: a line of TAP
coverage_test()
{
	local not=
	"${@:3}" || not="not "
	echo "${not}ok $1 $2"
}

no_function_missed()
{
	! awk '$1 == 0 && $3 !~ /^[0-9]+$/ { print "# " $2 ": " $3 " never ran"; found = 1 } END { exit !found }' "$1"
}

# enough_covered LINES DIRECTORY
enough_covered()
{
	awk -v dir="$2/" '
		index($2, dir) == 1 && $3 ~ /^[0-9]+$/ { lines++; ran += $1 > 0 }
		END { print "# " ran " of " lines " lines ran"; exit !(lines && ran >= lines * .95) }' "$1"
}

# every_missed_has_a_reason MISSED: each line is in the list, and each of the list is missed
every_missed_has_a_reason()
{
	local list=$DMP_TOP/scripts/tests/not-covered status=0
	grep -v '^#' "$list" | sed 's/	.*//' | sort -u | diff - "$1" >"$1.diff" || status=1
	sed -n 's/^</# listed, but it ran or is gone:/p; s/^>/# did not run, and is not listed:/p' "$1.diff"
	return $status
}

# records_pass: host/dmpstat, which needs no kernel, with the tools that count
records_pass()
{
	DMP_TOOLS=$DMP_TOOLS+gcov GCOV_PREFIX=$DMP_RESULTS/debug/records.gcov GCOV_PREFIX_STRIP=99 \
		TMPDIR=$DMP_SCRATCH bats --tap "$DMP_TOP/scripts/tests/host/dmpstat.bats" | sed 's/^/# /'
}

# coverage_run: look at the counts that the tests of debug/ left
coverage_run()
{
	local results=$DMP_RESULTS/coverage work=$DMP_SCRATCH/coverage
	mkdir "$results"
	SECONDS=0
	if compgen -G "$DMP_RESULTS/debug/*.gcov" >/dev/null; then
		coverage_test 1 "host/dmpstat passes" records_pass
		coverage_merge "$work"
		(cd "$work" && coverage_lines) >"$work.lines"
		coverage_missed "$work.lines" >"$work.missed"
		coverage_test 2 "every function runs" no_function_missed "$work.lines"
		coverage_test 3 "95 % of the lines of drivers/md run" enough_covered "$work.lines" drivers/md
		coverage_test 4 "95 % of the lines of tools/dm run" enough_covered "$work.lines" tools/dm
		coverage_test 5 "why the other lines do not run is listed" every_missed_has_a_reason "$work.missed"
	else
		echo "ok 1 coverage # skip the tests of debug/ did not run"
	fi | tee "$results/coverage.tap"
	echo $SECONDS >"$results/coverage.seconds"
	! grep -q '^not ok' "$results/coverage.tap" || status=1
}
