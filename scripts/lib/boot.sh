# shellcheck shell=bash
# A guest in QEMU that boots on the machine's own files, as user-mode Linux does. Source after
# kernel.sh.

# boot_build NAME WHAT FILE...: set DMP_BUILD to $DMP_KERNEL+NAME, a kernel for such a guest with the
# options in these files of scripts/lib
boot_build()
{
	need /usr/include/libelf.h:libelf-dev
	guest_build "$1" "$2" x86_64 {base,qemu,guest}.config "${@:3}"
}

# kcsan_build: a kernel with KCSAN, which does not look at lib/scatterlist.c: for data integrity,
# scsi_debug walks a scatterlist from the start for each sector, and with KCSAN that takes minutes
kcsan_build()
{
	local -x MAKEFLAGS=" KCSAN_SANITIZE_scatterlist.o=n"
	boot_build kcsan "a kernel with KCSAN" {suite,kcsan}.config
}

# boot_modules VERSION: the files of what a kernel needs to mount its root, in the order to load them
boot_modules()
{
	local module
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$DMP_BUILD/root" -S "$1" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# boot_initramfs VERSION FILE: an initramfs that goes on to the machine's files
boot_initramfs()
{
	local stage module nr=100
	stage=$(mktemp -d "$DMP_SCRATCH/initramfs.XXXXXX")
	mkdir "$stage/bin" "$stage/modules"
	cp "$(command -v busybox)" "$stage/bin"
	cp "$DMP_TOP/scripts/lib/boot-init" "$stage/init"
	while read -r module; do
		nr=$((nr + 1))
		case $module in
		*.xz) xz -dc "$module" ;;
		*) cat "$module" ;;
		esac >"$stage/modules/$nr"
	done < <(boot_modules "$1")
	(cd "$stage" && find . | busybox cpio -o -H newc 2>/dev/null) >"$2"
	rm -r "$stage"
}

# boot_run SECONDS IMAGE VERSION "WORDS" COMMAND...: run a command as uml_run does, in a kernel whose
# modules are in $DMP_BUILD/root, with these WORDS on its command line; 64 MiB of the memory are
# persistent. boot-init starts the second CPU. QEMU translates a program again for each address that it
# is mapped at, so that norandmaps halves the time that starting one takes. The kernel computes the
# interrupt routing of QEMU's machine "pc" for seconds, but not that of q35.
boot_run()
{
	local limit=$1 image=$2 version=$3 words=$4 run start=$SECONDS status=0
	shift 4
	run=$(guest_job "$@")
	boot_initramfs "$version" "$run/initramfs"
	timeout -s KILL "$limit" qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 1152 \
		-nodefaults -display none -no-reboot \
		-chardev "stdio,id=console,logfile=$run/serial.log" -serial chardev:console \
		-kernel "$image" -initrd "$run/initramfs" \
		-virtfs "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap" \
		-virtfs "local,path=$run,mount_tag=run,security_model=none" \
		-append "console=ttyS0 quiet loglevel=2 panic=-1 maxcpus=1 norandmaps memmap=64M!1024M $DMP_GUEST_WORDS \
			DMP_BUILD=$DMP_BUILD $words" \
		</dev/null 2>"$run/console.log" || status=$?
	guest_status "$run" "$limit" $((SECONDS - start)) "$status"
}

# boot_own SECONDS COMMAND...: run a command as uml_run does, in the kernel of boot_build
boot_own()
{
	boot_run "$1" "$DMP_BUILD/arch/x86/boot/bzImage" "$(cat "$DMP_BUILD/include/config/kernel.release")" \
		"DMP_INIT=$DMP_TOP/scripts/lib/guest-init" "${@:2}"
}
