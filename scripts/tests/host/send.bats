#!/usr/bin/env bats
# The series as mail.

bats_require_minimum_version 1.5.0

setup()
{
	. "$BATS_TEST_DIRNAME/../../lib/common.sh"
	. "$DMP_TOP/scripts/lib/series.sh"
	. "$DMP_TOP/scripts/lib/send.sh"
	# a checkout whose changelog a test may write
	here=$BATS_TEST_TMPDIR/here
	mkdir "$here"
	cp -r "$DMP_TOP"/{patches,scripts} "$here"
	DMP_TOP=$here
	mails=$BATS_TEST_TMPDIR/mails
	nr=$(series_patches | wc -l)
}

# mail SUBJECT: the file of the mail whose subject ends so
mail()
{
	grep -lE "^Subject: .*\\] $1" "$mails"/*
}

# below_cut FILE: what a mail has between the cut and the diffstat
below_cut()
{
	sed '1,/^---$/d; /^ [^ ]* *| /,$d' "$1"
}

@test "the first version: no changes, and a base" {
	printf 'v1\n' >"$here/patches/changelog"
	send_mails "$DMP_KERNEL" "$mails"
	[ "$(grep -lE "^Subject: \[PATCH [0-9]+/$nr\]" "$mails"/* | wc -l)" = $((nr + 1)) ]
	run ! grep -rl 'Changes in' "$mails"
	[ "$(tail -n 1 "$mails/0000-cover-letter.patch")" = \
		"base-tag: v$(make -s --no-print-directory -C "$DMP_KERNEL" kernelversion)" ]
}

@test "a later version: its changes below the cut, those of all in the cover letter" {
	cat >"$here/patches/changelog" <<-'END'
		# a comment
		v3
		  dm dmp: format the statistics
		  - the first change
		  - the second
		v2
		  dm dmp: format the statistics
		  - an old change
		  dm init: allow dmp
		  - another old one
		v1
	END
	send_mails "$DMP_KERNEL" "$mails"
	[ "$(grep -lE "^Subject: \[PATCH v3 [0-9]+/$nr\]" "$mails"/* | wc -l)" = $((nr + 1)) ]
	[ "$(below_cut "$(mail 'dm dmp: format')")" = $'Changes in v3:\n- the first change\n- the second' ]
	[ -z "$(below_cut "$(mail 'dm init: allow')")" ]
	changes=$'Changes in v3:\n  dm dmp: format the statistics\n  - the first change\n  - the second\n'
	changes+=$'\nChanges in v2:\n  dm dmp: format the statistics\n  - an old change\n  dm init: allow dmp\n  - another old one'
	tail -n 15 "$mails/0000-cover-letter.patch"
	[[ $(cat "$mails/0000-cover-letter.patch") == *$'\n---\n'"$changes"$'\nbase-tag: v'* ]]
}

@test "git am makes the series of its mails, without the changes" {
	printf 'v2\n  dm dmp: format the statistics\n  - a change\nv1\n' >"$here/patches/changelog"
	send_mails "$DMP_KERNEL" "$mails"
	for repo in sent ours; do
		series_base "$DMP_KERNEL" "$BATS_TEST_TMPDIR/$repo"
	done
	series_am "$BATS_TEST_TMPDIR/ours"
	rm "$mails/0000-cover-letter.patch"
	series_am "$BATS_TEST_TMPDIR/sent" "$mails"/*
	for repo in sent ours; do
		series_git -C "$BATS_TEST_TMPDIR/$repo" log --format='%T%n%an <%ae>%n%B' >"$BATS_TEST_TMPDIR/$repo.log"
	done
	diff "$BATS_TEST_TMPDIR/ours.log" "$BATS_TEST_TMPDIR/sent.log"
	[ "$(grep -c Signed-off-by "$BATS_TEST_TMPDIR/sent.log")" = "$nr" ]
}

@test "on a git checkout, the base is its commit" {
	series_base "$DMP_KERNEL" "$BATS_TEST_TMPDIR/tree"
	[ "$(send_base "$BATS_TEST_TMPDIR/tree")" = "base-commit: $(git -C "$BATS_TEST_TMPDIR/tree" rev-parse base)" ]
}

@test "a changelog that does not fit is refused" {
	printf 'v2\n  dm dmp: frobnicate\n  - a change\nv1\n' >"$here/patches/changelog"
	run -1 "$here/scripts/series" send --dry-run
	[[ $output == *"no patch has the subject: dm dmp: frobnicate"* ]]
	printf '# nothing\n' >"$here/patches/changelog"
	run -1 "$here/scripts/series" send --dry-run
	[[ $output == *"expected a version, such as v2"* ]]
}

@test "all mails go to those whom MAINTAINERS names; a dry run sends none" {
	mkdir "$mails"
	# shellcheck disable=SC2016 # sendmail expands it
	printf '#!/bin/sh\nexec cat >"$(mktemp "%s/XXXXXX")"\n' "$mails" >"$BATS_TEST_TMPDIR/sendmail"
	chmod +x "$BATS_TEST_TMPDIR/sendmail"
	export GIT_CONFIG_GLOBAL=$BATS_TEST_TMPDIR/gitconfig GIT_CONFIG_NOSYSTEM=1
	git config --global user.name Tester
	git config --global user.email tester@localhost
	git config --global sendemail.smtpServer "$BATS_TEST_TMPDIR/sendmail"
	run -0 "$here/scripts/series" send --dry-run
	echo "$output"
	[ "$(grep -c "^Subject: \[PATCH [0-9]*/$nr\] " <<<"$output")" = $((nr + 1)) ]
	[ -z "$(ls "$mails")" ]
	run -0 "$here/scripts/series" send
	[ "$(find "$mails" -type f | wc -l)" = $((nr + 1)) ]
	[ "$(grep -lE '^In-Reply-To: ' "$mails"/* | wc -l)" = "$nr" ]
	for address in snitzer@kernel.org mpatocka@redhat.com corbet@lwn.net dm-devel@lists.linux.dev; do
		[ "$(grep -lF "$address" "$mails"/* | wc -l)" = $((nr + 1)) ]
	done
}
