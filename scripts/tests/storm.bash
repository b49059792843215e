# shellcheck shell=bash
# Commands that run again and again, beside one another and beside I/O.

# errors that a command may report, as a regular expression for whole lines, by its name
declare -gA may_report=()

# again_and_again NAME COMMAND...: while the file run is there, run a command. Count the rounds in
# NAME.rounds, and append what fails to the file wrong.
again_and_again()
{
	local name=$1 rounds=0 report status
	shift
	# a command in a condition would not end at its first error
	set +e
	trap - ERR
	while [ -e "$TMPDIR/run" ]; do
		report=$(set -e; "$@" 2>&1 >/dev/null)
		status=$?
		[ $status = 0 ] || report=${report:-status $status}
		[ ! "$report" ] || grep -vxE "${may_report[$name]:-}" <<<"$report" |
			sed "s/^/$name: /" >>"$TMPDIR/wrong"
		rounds=$((rounds + 1))
		echo $rounds >"$TMPDIR/$name.rounds"
	done
}

# begin NAME...: run the functions of these names again and again, in the background
begin()
{
	local name
	rm -f "$TMPDIR/wrong"
	touch "$TMPDIR/run"
	for name; do
		echo 0 >"$TMPDIR/$name.rounds"
		again_and_again "$name" "$name" &
	done
}

# rounds NAME
rounds()
{
	cat "$TMPDIR/$1.rounds"
}

# more_rounds NAME NUMBER
more_rounds()
{
	[ "$(rounds "$1")" -gt "$2" ]
}

nothing_runs()
{
	[ ! "$(jobs -pr)" ]
}

# end NAME...: end the functions that begin started; fails if something went wrong
end()
{
	local name
	rm "$TMPDIR/run"
	eventually nothing_runs
	echo "# rounds: $(for name; do echo "$name $(rounds "$name")"; done | paste -s -d ,)" >&3
	[ ! -s "$TMPDIR/wrong" ] || {
		sort "$TMPDIR/wrong" | uniq -c
		return 1
	}
}
