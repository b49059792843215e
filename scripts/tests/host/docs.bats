#!/usr/bin/env bats
# The documentation stays short. check.bats builds it.

bats_require_minimum_version 1.5.0

@test "the page for administrators has at most 300 lines" {
	page=Documentation/admin-guide/device-mapper/dm-dmp.rst
	[ "$(wc -l <"$page")" -le 300 ]
}
