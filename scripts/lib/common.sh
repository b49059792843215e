# shellcheck shell=bash
# Settings and functions that all scripts share. Source this file, do not run it.

set -euo pipefail

# shellcheck disable=SC2034 # the top of the repository, used by scripts that source this file
DMP_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# ~ is known without $HOME, too
DMP_CACHE=${XDG_CACHE_HOME:-~/.cache}/dm-dmp
# dmsetup and losetup are there, and not every user's PATH has these directories
PATH=$PATH:/usr/sbin:/sbin
# sort order and messages of commands must not depend on the user's locale
export LC_ALL=C.UTF-8

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# print the comment block at the top of the calling script
usage()
{
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# scratch: make the directory DMP_SCRATCH, which is removed when the script ends
scratch()
{
	mkdir -p "$DMP_CACHE"
	DMP_SCRATCH=$(mktemp -d "$DMP_CACHE/run.XXXXXX")
	trap 'rm -rf "$DMP_SCRATCH"' EXIT
}

# one_at_a_time: lock the cache for building; waits while another script builds there
one_at_a_time()
{
	mkdir -p "$DMP_CACHE"
	exec 9>"$DMP_CACHE/lock"
	flock -n 9 && return
	say "waiting for another run to finish building ..."
	flock 9
}

# progress WHAT COMMAND...: run a long step: print when it starts and ends, write its output
# to a log; if it fails, print the end of the log and its path, and exit
progress()
{
	local what=$1 log start=$SECONDS status
	shift
	mkdir -p "$DMP_CACHE/log"
	log=$DMP_CACHE/log/${what//[^A-Za-z0-9._-]/-}.log
	say "$what ..."
	# not as a condition, which would make the shell ignore errors inside
	set +e
	(set -e; "$@") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	if [ $status != 0 ]; then
		tail -n 25 "$log" >&2
		die "$what failed, see $log"
	fi
	say "$what: done in $((SECONDS - start)) s"
}

# need COMMAND:PACKAGE ...: install the packages of missing commands (or, with a slash,
# files); without root, print how to install them and exit
need()
{
	local item missing=()
	for item; do
		case $item in
		/*) [ -e "${item%%:*}" ] ;;
		*) command -v "${item%%:*}" >/dev/null ;;
		esac || missing+=("${item#*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		progress "installing ${missing[*]}" install_packages "${missing[@]}"
	else
		say "missing: ${missing[*]}; install with"
		die "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
	fi
}

# commands and files that building tools/dm needs, as need takes them
# shellcheck disable=SC2034 # used by scripts that source this file
DMP_TOOLS_NEED=(gcc:gcc make:make pkg-config:pkg-config
	/usr/include/libdevmapper.h:libdevmapper-dev /usr/include/json-c/json.h:libjson-c-dev
	/usr/include/libudev.h:libudev-dev)

# those that scripts/series send needs
# shellcheck disable=SC2034 # used by scripts that source this file
DMP_SEND_NEED=(/usr/lib/git-core/git-send-email:git-email
	/usr/share/perl5/Mail/Address.pm:libmailtools-perl)

install_packages()
{
	apt-get update
	DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "$@"
}
