# shellcheck shell=bash
# Kernel sources and builds in the cache. Source after common.sh and series.sh.

. "$DMP_TOP/scripts/lib/kernel-log.sh"

# apt_private COMMAND...: run an apt command with its state in the cache: it needs no root,
# and does not touch the machine's apt state
apt_private()
{
	local apt=$DMP_CACHE/apt command=$1
	shift
	"$command" -q -oDir::Etc::sourcelist="$apt/sources.list" \
		-oDir::Etc::sourceparts=/dev/null \
		-oDir::State::lists="$apt/lists" -oDir::Cache="$apt/cache" \
		-oDir::State::status=/dev/null -oAPT::Sandbox::User=root \
		-oAPT::Update::Error-Mode=any "$@"
}

# debian_mirror: print the Debian mirror in this machine's apt sources, or nothing
debian_mirror()
{
	local codename
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		"Codename: $codename" | head -n 1
}

# apt_sources MIRROR: print the suites that kernels are taken from. The newest kernel is in the
# backports of Debian 13, whatever release this machine runs.
apt_sources()
{
	local mirror=${1%/} key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
	cat <<-END
		deb $key $mirror trixie-backports main
		deb $key $mirror bookworm main
		deb $key ${mirror%/debian}/debian-security bookworm-security main
	END
}

apt_private_update()
{
	local apt=$DMP_CACHE/apt mirror
	mirror=$(debian_mirror)
	if [ -z "$mirror" ] && [ "$(id -u)" = 0 ]; then
		apt-get update
		mirror=$(debian_mirror)
	fi
	if [ -z "$mirror" ]; then
		echo "apt knows no Debian mirror; run: sudo apt-get update" >&2
		return 1
	fi
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	apt_sources "$mirror" >"$apt/sources.list"
	apt_private apt-get update
}

# fetch_packages DIR PACKAGE...: download packages and unpack them into the new directory DIR
fetch_packages()
{
	local dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir/packages"
	(cd "$dir/packages" && apt_private apt-get download "$@")
	printf '%s\n' "$dir"/packages/*.deb | xargs -I{} dpkg -x {} "$dir"
	rm -r "$dir/packages"
}

# newest_of WHAT FILE COMMAND: COMMAND fetches the newest WHAT and writes its path to FILE;
# run COMMAND at most once a day
newest_of()
{
	local what=$1 file=$2 command=$3 known=
	[ ! -e "$file" ] || known=$(cat "$file")
	if [ ! -d "$known" ]; then
		need dpkg:dpkg xz:xz-utils
		one_at_a_time
		progress "fetching the newest $what" "$command"
	elif [ -n "$(find "$file" -mmin +1440)" ]; then
		# without a network, an older one will do
		one_at_a_time
		set +e
		(progress "looking for a newer $what" "$command")
		set -e
	fi
}

# fetch_source FILE PATTERN: unpack the newest linux-source package whose name matches, as
# $DMP_CACHE/linux-<version>, and write its path to FILE
fetch_source()
{
	local file=$1 pattern=$2 new=$DMP_CACHE/apt/new package version tree known
	apt_private_update
	package=$(apt_private apt-cache search --names-only "$pattern" |
		cut -d ' ' -f 1 | sort -V | tail -n 1)
	version=$(apt_private apt-cache show "$package" | sed -n 's/^Version: //p' |
		sort -V | tail -n 1)
	tree=$DMP_CACHE/linux-${version//[^A-Za-z0-9.+-]/-}

	if [ ! -d "$tree" ]; then
		fetch_packages "$new" "$package=$version"
		mkdir "$new/tree"
		tar -xf "$new"/usr/src/linux-source-*.tar.* -C "$new/tree" --strip-components=1
		known=$(cat "$file" 2>/dev/null || true)
		[ -z "$known" ] || rm -rf "$known" "$known"+*
		mv "$new/tree" "$tree"
		rm -rf "$new"
	fi
	echo "$tree" >"$file"
}

fetch_newest()
{
	fetch_source "$DMP_CACHE/newest" '^linux-source-[0-9.]+$'
}

fetch_longterm()
{
	fetch_source "$DMP_CACHE/longterm" '^linux-source-6\.12$'
}

# longterm_newest: have a clean tree of 6.12, for which patches/backports has patches
longterm_newest()
{
	newest_of "source of 6.12" "$DMP_CACHE/longterm" fetch_longterm
}

# kernel_longterm: set DMP_KERNEL to that tree
kernel_longterm()
{
	longterm_newest
	DMP_KERNEL=$(cat "$DMP_CACHE/longterm")
}

# kernel_newest: set DMP_KERNEL to a clean tree of the newest kernel; looks for a newer one
# at most once a day
kernel_newest()
{
	newest_of "kernel source" "$DMP_CACHE/newest" fetch_newest
	DMP_KERNEL=$(cat "$DMP_CACHE/newest")
}

# kernel_key DIR: print a key that changes whenever the sources in DIR do
kernel_key()
{
	if is_git_top "$1"; then
		git -C "$1" rev-parse 'HEAD^{tree}'
	else
		find "$1" -type f -not -name '*.o' -printf '%P %s %T@\n' | sort | sha256sum
	fi
}

copy_kernel()
{
	local dir=$1 copy=$2
	rm -rf "$copy" "$copy+dmp"
	mkdir -p "$copy"
	if is_git_top "$dir"; then
		git -C "$dir" archive HEAD | tar -x -C "$copy"
	else
		cp -a "$dir/." "$copy"
		if [ -e "$copy/.config" ] || [ -e "$copy/include/config" ]; then
			make -C "$copy" mrproper
			make -C "$copy" ARCH=um mrproper
		fi
	fi
}

# kernel_import DIR: set DMP_KERNEL to a clean copy of DIR, the user's kernel tree or git
# checkout; of a checkout, the committed files are copied
kernel_import()
{
	local dir key
	[ -e "$1/Kbuild" ] || die "$1: not a kernel tree, expected the top of one"
	dir=$(cd "$1" && pwd)
	DMP_KERNEL=$DMP_CACHE/linux-from-$(printf %s "$dir" | sha256sum | cut -c 1-12)
	key=$(kernel_key "$dir")
	if [ ! -d "$DMP_KERNEL" ] || [ "$key" != "$(cat "$DMP_KERNEL.key")" ]; then
		rm -f "$DMP_KERNEL.key"
		progress "copying $dir" copy_kernel "$dir" "$DMP_KERNEL"
		echo "$key" >"$DMP_KERNEL.key"
	fi
}

# kernel_choose [DIR]: set DMP_KERNEL to a clean tree: a copy of DIR if it is given, else the
# DMP_KERNEL of the calling script, else the newest kernel
kernel_choose()
{
	case $DMP_TOP$DMP_CACHE in
	# no kernel is built or booted from there: make, and its command line, split words
	*[[:space:],\"\'\\]*)
		die "expected paths without spaces, commas and quotes, not $DMP_TOP or $DMP_CACHE: move this checkout, or set XDG_CACHE_HOME" ;;
	esac
	if [ "${1:-}" ]; then
		kernel_import "$1"
	elif [ -z "${DMP_KERNEL:-}" ]; then
		kernel_newest
	fi
}

# kernel_config ARCH BUILD OPTION...: configure $DMP_KERNEL+dmp in BUILD with these options and no
# others; does nothing if they are as before. An OPTION is a file of this repository, which has
# options, or one itself.
kernel_config()
{
	local arch=$1 build=$2 want=$2/dmp.config option lost
	shift 2
	mkdir -p "$build"
	for option; do
		case $option in
		CONFIG_*) echo "$option" ;;
		*) (cd "$DMP_TOP" && cat "$option") ;;
		esac
	done >"$want.new"
	if ! cmp -s "$want.new" "$want"; then
		rm -f "$want"
		make -C "$DMP_KERNEL+dmp" ARCH="$arch" O="$build" KCONFIG_ALLCONFIG="$want.new" allnoconfig
		lost=$(grep '^CONFIG_' "$want.new" | grep -vxFf "$build/.config" || true)
		if [ -n "$lost" ]; then
			echo "this kernel does not take: $lost" >&2
			return 1
		fi
		mv "$want.new" "$want"
	fi
	rm -f "$want.new"
}

# kernel_make ARCH TARGET BUILD OPTION...: make a target of a kernel, configured as kernel_config
# does
kernel_make()
{
	local arch=$1 target=$2 build=$3
	shift 2
	kernel_config "$arch" "$@"
	make -C "$DMP_KERNEL+dmp" ARCH="$arch" O="$build" -j"$(nproc)" "$target"
}

# guest_make ARCH BUILD OPTION...: a kernel, with its modules, if it has any, in BUILD/root
guest_make()
{
	local arch=$1 build=$2
	kernel_make "$arch" all "${@:2}"
	! grep -q '^CONFIG_MODULES=y' "$build/.config" ||
		make -C "$DMP_KERNEL+dmp" ARCH="$arch" O="$build" INSTALL_MOD_PATH="$build/root" modules_install
}

# kernel_patched: install the packages that a kernel build needs, and set up $DMP_KERNEL+dmp
kernel_patched()
{
	need gcc:gcc make:make flex:flex bison:bison bc:bc perl:perl git:git \
		depmod:kmod /usr/include/stdio.h:libc6-dev
	one_at_a_time
	series_tree "$DMP_KERNEL"
}

# build_key FILE...: print a key that changes with the series, the user's kernel tree or a FILE
build_key()
{
	{
		cat "$DMP_TOP"/patches/*.patch "$@"
		cat "$DMP_KERNEL.key" 2>/dev/null || true
	} | sha256sum
}

# build_once BUILD WHAT CONFIGS COMMAND...: build the patched tree into BUILD by COMMAND, if the
# series or one of CONFIGS (files of this repository, separated by spaces) changed since the
# last build
build_once()
{
	local build=$1 what=$2 configs key
	read -ra configs <<<"$3"
	shift 3
	key=$(cd "$DMP_TOP" && build_key "${configs[@]}")
	[ "$key" != "$(cat "$build/dmp.key" 2>/dev/null)" ] || return 0
	kernel_patched
	mkdir -p "$build"
	progress "building $what (some minutes the first time)" "$@"
	echo "$key" >"$build/dmp.key"
}

# guest_build NAME WHAT ARCH FILE...: set DMP_BUILD to $DMP_KERNEL+NAME, a kernel with the options in
# these files of scripts/lib
guest_build()
{
	local what=$2 arch=$3 configs
	DMP_BUILD=$DMP_KERNEL+$1
	shift 3
	configs=("${@/#/scripts/lib/}")
	build_once "$DMP_BUILD" "$what" "${configs[*]}" guest_make "$arch" "$DMP_BUILD" "${configs[@]}"
}

# uml_build: user-mode Linux with dmp as a module
uml_build()
{
	guest_build uml "user-mode Linux with dmp" um {base,uml,guest}.config
}

# debug_build: user-mode Linux that finds bugs, and counts which lines of dmp run
debug_build()
{
	local -x MAKEFLAGS=
	local file
	for file in "$DMP_TOP"/drivers/md/*.c; do
		MAKEFLAGS+=" GCOV_PROFILE_$(basename "$file" .c).o=y"
	done
	guest_build debug "user-mode Linux that finds bugs" um {base,uml,guest,suite,faults,debug,sanitize}.config
}

# release_build: a small user-mode Linux that delays the release of kobjects
release_build()
{
	guest_build release "user-mode Linux that releases kobjects late" um {base,uml,release}.config
}

# kasan_build: user-mode Linux that reports use after free
kasan_build()
{
	guest_build kasan "user-mode Linux with KASAN" um {base,uml,builtin,kasan}.config
}

# shellcheck disable=SC2317 # progress calls it
tools_make()
{
	mkdir -p "$DMP_TOOLS"
	# -B: the objects may be those of another checkout
	make -B -C "$DMP_TOP/tools/dm" O="$DMP_TOOLS" CFLAGS="-O2 -g -Werror $*"
}

# tools_build [FLAG...]: build dmpctl and dmpstat into $DMP_TOOLS
DMP_TOOLS=$DMP_CACHE/tools
tools_build()
{
	need "${DMP_TOOLS_NEED[@]}"
	one_at_a_time
	progress "building the tools" tools_make "$@"
}

# tools_gcov_build: build tools that count which of their lines run
tools_gcov_build()
{
	local DMP_TOOLS=$DMP_TOOLS+gcov
	tools_build --coverage
}

# arguments of every guest's kernel
DMP_GUEST_WORDS="ima_policy=critical_data null_blk.nr_devices=0 kunit.autorun=0 bdev_allow_write_mounted=1 log_buf_len=4M"

# guest_job COMMAND...: make a directory with the job of a guest, a shell script that sets the
# environment and runs COMMAND; print its path
guest_job()
{
	local run
	run=$(mktemp -d "$DMP_SCRATCH/guest.XXXXXX")
	{
		printf 'export %s=%q\n' DMP_TOP "$DMP_TOP" DMP_KERNEL "${DMP_KERNEL:-}" \
			DMP_BUILD "$DMP_BUILD" DMP_TOOLS "$DMP_TOOLS" \
			DMP_STOCK "${stock_version:-}" \
			DMP_ROUNDS "${DMP_ROUNDS:-}" DMP_SECONDS "${DMP_SECONDS:-}" \
			DMP_STORM "${DMP_STORM:-}" DMP_LINES "${DMP_LINES:-}" \
			DMP_REQUESTS "${DMP_REQUESTS:-}" DMP_FAULTS "${DMP_FAULTS:-}" \
			GCOV_PREFIX /run/gcov GCOV_PREFIX_STRIP 99
		printf '%q ' exec "$@"
	} >"$run/job"
	echo "$run"
}

# guest_status RUN SECONDS TOOK STATUS: return the exit status of the guest's job. Fails if the
# guest died, did not end within SECONDS or did not power off, or if its kernel complained.
# STATUS is the exit status of the virtual machine, TOOK the seconds it ran.
guest_status()
{
	local run=$1 limit=$2 took=$3 ended=$4 status
	if ! status=$(cat "$run/status" 2>/dev/null); then
		if [ "$took" -ge "$limit" ]; then
			say "the guest did not end within $limit s"
		else
			say "the guest died after $took s, before its job was done"
		fi
		tail -n 40 "$run/console.log" >&2
		return 1
	fi
	if [ "$ended" != 0 ]; then
		say "the guest did not power off, it ended with status $ended"
		tail -n 40 "$run/console.log" >&2
		status=1
	fi
	if [ -s "$run/wrong" ]; then
		say "at the end of the guest:"
		cat "$run/wrong" >&2
		status=1
	fi
	# QEMU ends well after a panic
	if grep -as 'Kernel panic' "$run/serial.log" >&2; then
		status=1
	fi
	if [ -z "${DMP_LOG_HAS_COMPLAINTS:-}" ] &&
		kernel_complaints "$run/kmsg" "$run/console.log" >"$run/complaints"; then
		say "the guest's kernel complained:"
		head -n 40 "$run/complaints" >&2
		status=1
	fi
	return "$status"
}

# uml_run SECONDS COMMAND...: run a command as root in a guest of the kernel $DMP_BUILD, whose
# root file system is the machine's, read-only; the guest's console is the command's output
uml_run()
{
	local limit=$1 run start=$SECONDS status=0
	shift
	run=$(guest_job "$@")
	# shellcheck disable=SC2086 # words
	timeout -s KILL "$limit" "$DMP_BUILD/linux" mem=768M seccomp=on ncpus=2 \
		uml_dir="$run" rootfstype=hostfs rootflags=/ ro quiet loglevel=2 \
		init="$DMP_TOP/scripts/lib/guest-init" DMP_RUN="$run" DMP_BUILD="$DMP_BUILD" \
		$DMP_GUEST_WORDS \
		con=null con0=null,fd:3 console=tty0 3>&1 >"$run/console.log" 2>&1 </dev/null ||
		status=$?
	guest_status "$run" "$limit" $((SECONDS - start)) "$status"
}
