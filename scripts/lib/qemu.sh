# shellcheck shell=bash
# Optimised 64-bit kernels with dmp, and guests in QEMU that they run in. Source after
# kernel.sh.

# x86_build: set DMP_BUILD to a 64-bit kernel of $DMP_KERNEL with the series applied and
# dmp built in; does nothing when it is there already
x86_build()
{
	DMP_BUILD=$DMP_KERNEL+x86
	need /usr/include/libelf.h:libelf-dev
	build_once "$DMP_BUILD" "an optimised kernel with dmp" \
		"scripts/lib/bench.config scripts/lib/x86.config" \
		kernel_make x86_64 bzImage "$DMP_BUILD" scripts/lib/{bench,x86}.config
}

# qemu_need: what a guest needs of this machine, and QEMU
qemu_need()
{
	need qemu-system-x86_64:qemu-system-x86 bash:bash busybox:busybox-static \
		dmsetup:dmsetup dmstats:dmsetup fio:fio perl:perl
}

# guest_files COMMAND...: paths of commands, and of the libraries they load
guest_files()
{
	local command path
	for command; do
		path=$(command -v "$command")
		echo "$path"
		ldd "$path" 2>/dev/null | grep -o '/[^ ]*' || true
	done | sort -u
}

# guest_list INIT FILE...: an initramfs of these files, and of what INIT runs by, as
# gen_init_cpio reads it
guest_list()
{
	local init=$1 file dir
	shift
	for file in /bin/bash "$@"; do
		dir=${file%/*}
		while [ "$dir" ]; do
			echo "$dir"
			dir=${dir%/*}
		done
	done | sort -u | sed 's/.*/dir & 755 0 0/'
	printf 'dir /dev 755 0 0\nnod /dev/console 600 0 0 c 5 1\n'
	echo "file /init $init 755 0 0"
	for file in bash busybox; do
		echo "file /bin/$file $(command -v $file) 755 0 0"
	done
	for file; do
		echo "file $file $(realpath "$file") 755 0 0"
	done
}

# qemu_boot SECONDS QEMU IMAGE "OPTION..." WORD...: boot an image of the kernel $DMP_BUILD, with
# the initramfs that standard input lists and these WORDs on its command line; print what the
# guest's serial line has
qemu_boot()
{
	local limit=$1 qemu=$2 image=$DMP_BUILD/$3 run options
	read -ra options <<<"$4"
	shift 4
	run=$(mktemp -d "$DMP_SCRATCH/qemu.XXXXXX")
	"$DMP_BUILD/usr/gen_init_cpio" - >"$run/initramfs"
	timeout -s KILL "$limit" "$qemu" "${options[@]}" -nodefaults -nographic \
		-serial stdio -no-reboot -kernel "$image" -initrd "$run/initramfs" \
		-append "loglevel=2 panic=-1 $*" </dev/null 2>"$run/qemu.log" || {
		say "the guest did not end within $limit s"
		cat "$run/qemu.log" >&2
		return 1
	}
}

# qemu_run SECONDS INIT "COMMAND..." "OPTION..." WORD...: boot the kernel $DMP_BUILD with
# INIT, which has the COMMANDs of this machine, and these WORDs on its command line; print
# what the guest's serial line has
qemu_run()
{
	local limit=$1 init=$2 machine=$4 commands files
	read -ra commands <<<"$3"
	shift 4
	mapfile -t files < <(guest_files bash busybox "${commands[@]}")
	guest_list "$init" "${files[@]}" |
		qemu_boot "$limit" qemu-system-x86_64 arch/x86/boot/bzImage "$machine" \
			console=ttyS0 null_blk.nr_devices=0 "$@"
}

# shellcheck disable=SC2317 # build_once calls it
arm64_make()
{
	export CROSS_COMPILE=aarch64-linux-gnu-
	kernel_make arm64 Image "$DMP_KERNEL+arm64-bench" scripts/lib/{bench,arm64}.config
	"${CROSS_COMPILE}gcc" -O2 -Wall -Wextra -Werror -static \
		-o "$DMP_KERNEL+arm64-bench/bench-read" "$DMP_TOP/scripts/lib/bench-read.c"
}

# arm64_build: build $DMP_KERNEL+arm64-bench, the kernel of x86_build on arm64, and bench-read
arm64_build()
{
	need aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-system-aarch64:qemu-system-arm \
		/usr/aarch64-linux-gnu/lib/libc.a:libc6-dev-arm64-cross
	build_once "$DMP_KERNEL+arm64-bench" "an optimised kernel with dmp for arm64" \
		"scripts/lib/bench.config scripts/lib/arm64.config scripts/lib/bench-read.c" \
		arm64_make
}

# arm64_run SECONDS "OPTION..." WORD...: boot that kernel with bench-read as init. The CPU has
# the atomic instructions (LSE) by which the kernel updates per-CPU counters.
arm64_run()
{
	local limit=$1 machine="-M virt -cpu neoverse-n1 $2" DMP_BUILD=$DMP_KERNEL+arm64-bench
	shift 2
	qemu_boot "$limit" qemu-system-aarch64 arch/arm64/boot/Image "$machine" \
		console=ttyAMA0 "$@" <<-END
			dir /dev 755 0 0
			nod /dev/console 600 0 0 c 5 1
			file /init $DMP_BUILD/bench-read 755 0 0
		END
}
