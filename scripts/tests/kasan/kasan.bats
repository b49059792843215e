#!/usr/bin/env bats
# That this kernel does look.

bats_require_minimum_version 1.5.0
load ../guest

@test "KASAN is on" {
	timeout 30 grep -m 1 'KernelAddressSanitizer initialized' /dev/kmsg
}
