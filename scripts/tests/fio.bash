# shellcheck shell=bash
# Requests by fio, and whether what it sent is what was counted.

# fio_json OPTION...: fio, which reports to $TMPDIR/fio.json and writes no other file
fio_json()
{
	fio --direct=1 --randrepeat=1 --verify_state_save=0 \
		--output-format=json --output="$TMPDIR/fio.json" "$@"
}

# fio_run OPTION...: one job on the volume dmp1
fio_run()
{
	fio_json --name=job --filename=/dev/mapper/dmp1 "$@"
}

# fio_start COMMAND...: run fio_run or the like in the background, until fio_stop
fio_start()
{
	"$@" --time_based --runtime=1d &
	fio=$!
}

# fio_stop [errors]: end the fio that runs in the background as $fio; fails if it did, or if a job of it
# had an error and may not
fio_stop()
{
	pkill -INT -x fio
	# a signal's exit status hides that of a job which failed before
	wait "$fio" || [ $? = 128 ]
	fio=
	[ "${1:-}" = errors ] || perl -MJSON::PP -0777 -ne 's/^[^{]*//;
		$_->{error} and die "$_->{jobname}: error $_->{error}\n" for @{decode_json($_)->{jobs}}' \
		"$TMPDIR/fio.json"
}

# fio_counts FILE read|write: "reqs bytes" of all jobs in fio's JSON, before which it says
# that a signal ended it
fio_counts()
{
	perl -MJSON::PP -e '
		local $/;
		open my $f, "<", shift;
		my ($json, $op, $reqs, $bytes) = (<$f> =~ s/^[^{]*//r, shift, 0, 0);
		my $jobs = decode_json($json)->{jobs};
		$reqs += $_->{$op}{total_ios}, $bytes += $_->{$op}{io_bytes} // 0 for @$jobs;
		print "$reqs $bytes\n"' "$1" "$2"
}

# fio_errors: how many of its requests failed
fio_errors()
{
	perl -MJSON::PP -0777 -ne 's/^[^{]*//; print decode_json($_)->{jobs}[0]{total_err}' "$TMPDIR/fio.json"
}

# counts_are_fios NAME OPERATION: all that fio sent was counted by a volume, and nothing else
counts_are_fios()
{
	local sent
	sent=$(fio_counts "$TMPDIR/fio.json" "$2") || return
	equal "$2, sysfs and fio" "$(stats "$1" "$2")" "$sent 0" || return
	equal "$2, status and fio" "$(counts "$1" "$2")" "$sent 0"
}

# counts_agree: what fio sent, what the block layer saw and what dmp1 counted are one
counts_agree()
{
	local op
	for op in read write; do
		counts_are_fios dmp1 "$op" || return
		equal "$op, dmp and block layer" "$(stats dmp1 "$op")" "$(block_counts dmp1 "$op") 0" || return
	done
}
