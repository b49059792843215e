# shellcheck shell=bash
# The series as mail. Source after common.sh, series.sh and kernel.sh.

# send_version: print the newest version that patches/changelog has
send_version()
{
	sed -n 's/^v//p' "$DMP_TOP/patches/changelog" | head -n 1
}

# send_changes [SUBJECT]: print what changed in the patch SUBJECT in the newest version, or
# in the series in all versions
send_changes()
{
	awk -v subject="${1:-}" -v newest="v$(send_version)" '
		/^#/ { next }
		/^v/ { version = $1; next }
		{ line = $0; sub(/^ +/, "", line); change = line ~ /^-/ }
		!change { here = line }
		subject == "" || (change && here == subject && version == newest) {
			if (version != last)
				print (last == "" ? "" : "\n") "Changes in " version ":"
			last = version
			print (subject == "" ? "  " : "") line
		}' "$DMP_TOP/patches/changelog"
}

# send_subject PATCH
send_subject()
{
	git mailinfo /dev/null /dev/null <"$1" | sed -n 's/^Subject: //p'
}

# send_check: fails if patches/changelog names a patch that the series has not
send_check()
{
	local unknown
	unknown=$(sed -nE '/^[#v]/d; s/^ +([^ -])/\1/p' "$DMP_TOP/patches/changelog" |
		grep -vxFf <(series_patches | while read -r patch; do send_subject "$patch"; done) || true)
	[ -z "$unknown" ] || die "patches/changelog: no patch has the subject: $unknown"
	[[ $(send_version) =~ ^[1-9][0-9]*$ ]] || die "patches/changelog: expected a version, such as v2"
}

# send_base TREE: print what the series is based on
send_base()
{
	if is_git_top "$1"; then
		echo "base-commit: $(git -C "$1" rev-parse HEAD)"
	else
		echo "base-tag: v$(make -s --no-print-directory -C "$DMP_KERNEL" kernelversion)"
	fi
}

# send_mail PATCH TEXT: print a patch as the mail of its version, with TEXT below the cut
send_mail()
{
	local version
	version=$(send_version)
	[ "$version" != 1 ] || version=
	awk -v version="${version:+ v$version}" -v text="$2" '
		!body && /^Subject: \[PATCH/ { sub(/PATCH/, "PATCH" version) }
		{ print }
		/^---$/ && !body { body = 1; if (text != "") print text "\n" }' "$1"
}

# send_cover TREE: print the cover letter, which has no cut, as the mail of its version
send_cover()
{
	local changes
	changes=$(send_changes)
	send_mail "$DMP_TOP/patches/0000-cover-letter.patch" ""
	printf '%s\n' --- ${changes:+"$changes"} "$(send_base "$1")"
}

# send_mails TREE DIR: write all mails to DIR
send_mails()
{
	local patch
	mkdir "$2"
	send_cover "$1" >"$2/0000-cover-letter.patch"
	for patch in $(series_patches); do
		send_mail "$patch" "$(send_changes "$(send_subject "$patch")")" >"$2/${patch##*/}"
	done
}

# send_recipients: print "ADDRESS (ROLE)" of those whom MAINTAINERS names for the series
send_recipients()
{
	series_patches | (cd "$DMP_KERNEL+dmp" &&
		xargs -d '\n' perl scripts/get_maintainer.pl --no-git --no-git-fallback)
}

# send_addresses FILE LISTS: print the addresses of recipients: of mailing lists if LISTS is 1, of
# people if it is 0
send_addresses()
{
	awk -v lists="$2" '
		{
			address = $0
			sub(address ~ />/ ? ">.*" : " .*", address ~ />/ ? ">" : "", address)
			role = substr($0, length(address) + 2)
			if ((role ~ /^\(([a-z]+ )?list/) == lists)
				print address
		}' "$1"
}

# send_series TREE OPTION...: send the series, which is based on TREE, by git send-email OPTION...
send_series()
{
	local tree=$1 recipients=$DMP_SCRATCH/recipients to cc
	shift
	send_check
	kernel_patched
	send_mails "$tree" "$DMP_SCRATCH/mail"
	send_recipients >"$recipients"
	mapfile -t to < <(send_addresses "$recipients" 0)
	mapfile -t cc < <(send_addresses "$recipients" 1)
	git send-email "$@" "${to[@]/#/--to=}" "${cc[@]/#/--cc=}" "$DMP_SCRATCH"/mail/*.patch
}
