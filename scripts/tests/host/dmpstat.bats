#!/usr/bin/env bats
# dmpstat without a kernel: a record of known counts in all views, bad input, builds.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../dmpstat

setup()
{
	export TZ=UTC COLUMNS=80
	cd "$BATS_TEST_DIRNAME/../../.." || exit
	golden=$PWD/scripts/tests/golden.json
}

# shows TEXT ARGUMENT...: the record looks so
shows()
{
	run -0 dmpstat --replay "$golden" "${@:2}"
	diff <(echo "$1") <(echo "$output")
}

# refuses MESSAGE ARGUMENT...
refuses()
{
	run -2 dmpstat "${@:2}"
	[[ $output == *"$1"* ]] || { echo "${*:2}: $output"; return 1; }
}

@test "the table" {
	shows '14:05:01  1.000 s
Volume Op    Req/s Byte/s AvgSize Queue    Avg    p50    p99 Err
vg-db  read  18.2k  71.2M   4.00k  2.19  120us  114us  321us   0
vg-db  write 3.10k   194M   64.0k  9.42 3.04ms 2.57ms 14.5ms   0
vg-log write   206   824k   4.00k     -      -      -      -   2
vg-log flush    12      0       0  0.00    0ns    0ns    0ns   0
3998 idle volumes not shown

14:05:02  1.000 s, 2 reports missed
Volume Op    Req/s Byte/s AvgSize Queue    Avg    p50    p99 Err
vg-new read    769  3.00M   4.00k  0.08  100us  100us  100us   1
3999 idle volumes not shown
vg-log ended'
}

@test "base units, columns, selection, order and top" {
	fields=volume,op,reqs_sec,bytes_sec,avg_size,queue,avg,p50,p99,p999,max,event
	shows 'vg-db	read	18231	74686464	4096	2188	120000	113512	321060	454047	524288	
vg-db	write	3100	203161600	65536	9424	3040000	2568476	14529495	14529495	17179869184	
vg-log	write	206	843776	4096	-	-	-	-	-	-	new
vg-log	flush	12	0	0	0	0	0	0	0	512	new
vg-new	read	769	3149824	4096	77	100000	100000	100000	100000	131072	reset' -Hp -o "$fields"
	shows '3100
206
769' -Hp -o reqs -S 'reqs>100 && reqs<10000'
	shows 'write
read
write
flush
read' -H -o op -O -bytes_sec
	shows '14:05:01  1.000 s
Volume Op    Dev  UUID   
vg-db  read  dm-7 LVM-abc
3998 idle volumes not shown' -o volume,op,dev,uuid -n 1 1 1
	shows '21331
206
769' -Hp -e total -o reqs
	run -0 dmpstat --replay "$golden" -H -o +dev -e flush
	[ "$(xargs <<<"$output")" = "vg-log flush 12 0 0 0.00 0ns 0ns 0ns 0 dm-8" ]
	shows '206' -Hp -o reqs vg-log -e write
	shows '18231
3100
769' -Hp -o reqs 'vg-[dn]*' -e read,write
}

@test "percentiles" {
	# an average outside of the only bucket, as a sum that misses a request has
	for sum in 769:98.3us 153800000:131us; do
		sed "s/\"latency_ns\":76900000/\"latency_ns\":${sum%%:*}/" "$golden" >"$BATS_TEST_TMPDIR/sum"
		run -0 dmpstat --replay "$BATS_TEST_TMPDIR/sum" -H -o p99 -e read vg-new
		[ "$(xargs <<<"$output")" = "${sum#*:}" ]
	done
	# the last bucket has no end
	sed 's/\[98304,769\]/[17179869184,769]/' "$golden" >"$BATS_TEST_TMPDIR/last"
	dmpstat --replay "$BATS_TEST_TMPDIR/last" -J -e read vg-new |
		jq -se '.[-1].volumes[0].ops.read.p50_ns == [17179869184, null, 17179869184]'
	# where the average of 18 s and 40 s is no bound
	sed 's/"latency_ns":76900000,"latency_hist":\[\[98304,769\]\]/"latency_ns":58000000000,"latency_hist":[[17179869184,2]]/' \
		"$golden" >"$BATS_TEST_TMPDIR/last"
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/last" -H -o p50 -e read vg-new | xargs)" = ">17.2s" ]
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/last" -Hp -o p50 -e read vg-new | xargs)" = 17179869184 ]
	shows '14:05:01  1.000 s
Volume Op    Timed    Avg    p50    p90    p99  p99.9   Max<
vg-db  read  18.2k  120us  114us  161us  321us  454us  524us
vg-db  write 3.10k 3.04ms 2.57ms 3.63ms 14.5ms 14.5ms >17.2s' -l vg-db 1 1
}

@test "histograms of sizes and latencies" {
	shows '14:05:01  1.000 s
vg-db read: 18231 requests by latency
   from      to    count     %   cum
 65.5us  98.3us     4012  22.0  22.0 |##################
 98.3us   131us     9120  50.0  72.0 |#########################################
  131us   197us     4000  21.9  94.0 |##################
  197us   262us      900   4.9  98.9 |####
  262us   393us      150   0.8  99.7 |#
  393us   524us       49   0.3 100.0 |#' -w -e read vg-db 1 1
	shows '14:05:01  1.000 s
vg-log flush: 12 requests by size
   from      to    count     %   cum
      0   1.00k       12 100.0 100.0 |#########################################' -r -e flush vg-log 1 1
	run -0 dmpstat --replay "$golden" -wHp -e write vg-db 1 1
	[ "${lines[0]}" = 'vg-db	write	2097152	3145728	2000	64.5	64.5' ]
	[ "${lines[1]}" = 'vg-db	write	3145728	4194304	1000	32.3	96.8' ]
	[ "${lines[-1]}" = 'vg-db	write	17179869184	-	1	0.0	100.0' ]
	run -0 dmpstat --replay "$golden" -w vg-log 1 1
	[[ $output == *"vg-log write: no latencies; dmpctl latency on measures them"* ]]
}

@test "joint histograms" {
	shows '14:05:01  1.000 s
vg-db read: 18231 requests by size and latency
        66u 131u 262u     p99
  4.0k    @    #    *   321us
  8.0k    .             114us
3998 idle volumes not shown' -x 1 1
	run -0 dmpstat --replay "$golden" -x --color=always 1 1
	# four cells, of which the first has the largest count
	[ "$(grep -o $'\e\\[48;5;[0-9]*m     \e' <<<"$output" | wc -l)" = 4 ]
	[[ ${lines[3]} == "  4.0k "$'\e[48;5;196m     \e[0m'* ]]
	shows 'vg-db	read	4096	65536	4012
vg-db	read	4096	98304	9119
vg-db	read	4096	131072	4000
vg-db	read	4096	196608	900
vg-db	read	4096	262144	150
vg-db	read	4096	393216	49
vg-db	read	8192	98304	1' -xH
}

@test "JSON: what was recorded, for jq, and again in a record" {
	dmpstat --replay "$golden" -Jx >"$BATS_TEST_TMPDIR/json"
	jq -e . "$BATS_TEST_TMPDIR/json" >/dev/null
	diff <(jq -S . "$golden") <(jq -S 'del(.volumes[].ops[] | .p50_ns, .p90_ns, .p99_ns, .p999_ns)' "$BATS_TEST_TMPDIR/json")
	[ "$(jq -c '.volumes[0].ops.write | .p50_ns, .p999_ns' "$BATS_TEST_TMPDIR/json" | head -n 2 | xargs)" = "[2097152,3145728,2568476] [12582912,16777216,14529495]" ]
	dmpstat --replay "$golden" -x --record "$BATS_TEST_TMPDIR/record" >/dev/null
	cmp "$BATS_TEST_TMPDIR/json" "$BATS_TEST_TMPDIR/record"
}

@test "records add up, and a rename keeps the history" {
	[ "$(dmpstat --replay "$golden" -J 2 | jq -c '[.interval_ns, .missed, .gone, (.volumes[] | [.name, .event, .interval_ns, .ops.read.reqs, .ops.read.errors])]')" = \
		'[2000000000,2,["vg-log"],["vg-log","new",2000000000,null,null],["vg-new","reset",2000000000,19000,1]]' ]
	# the end of the record is a report as well
	[ "$(dmpstat --replay "$golden" -J 60 | jq .interval_ns)" = 2000000000 ]
	[ "$(dmpstat --replay "$golden" -J 1 | jq .interval_ns | wc -l)" = 2 ]
	# a real interval is never exact
	sed 's/"interval_ns":1000000000/"interval_ns":999970000/' "$golden" >"$BATS_TEST_TMPDIR/short"
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/short" -J 1 | jq .interval_ns | wc -l)" = 2 ]
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/short" -J 2 | jq .interval_ns | wc -l)" = 1 ]
	# counts since the start have no interval
	sed 's/"interval_ns":1000000000/"interval_ns":null/g' "$golden" >"$BATS_TEST_TMPDIR/start"
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/start" -J 60 | jq .interval_ns | xargs)" = "null null" ]
	# after a boot, another volume may have the same number
	{ head -n 1 "$golden"; tail -n 1 "$golden" | sed 's/LVM-abc/LVM-other/'; } >"$BATS_TEST_TMPDIR/boot"
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/boot" -Hp -e read -o volume,reqs 60 | xargs)" = "vg-db 18231 vg-new 769" ]
	# who asks for the old name has both
	[ "$(dmpstat --replay "$golden" -Hp -e read -o volume,reqs vg-db 60 | xargs)" = "vg-new 19000" ]
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/boot" -Hp -e read -o volume,reqs vg-db 60 | xargs)" = "vg-db 18231" ]
	# what ended and is not asked for
	[ "$(dmpstat --replay "$golden" -J vg-new | tail -n 1 | jq -c .gone)" = '[]' ]
}

@test "a name that is wrong" {
	run -1 --separate-stderr dmpstat --replay "$golden" -Hp -o reqs vg-db nosuch
	[ "$stderr" = "dmpstat: nosuch: no such volume in $golden" ]
	# the file of --record stays as it was
	echo old >"$BATS_TEST_TMPDIR/record"
	run -1 dmpstat --record "$BATS_TEST_TMPDIR/record" nosuch
	[ "$(cat "$BATS_TEST_TMPDIR/record")" = old ]
	run -1 dmpstat --record "$BATS_TEST_TMPDIR/record" --replay "$BATS_TEST_TMPDIR/nosuch"
	[ "$(cat "$BATS_TEST_TMPDIR/record")" = old ]
}

@test "the sum so far is shown before a line that is none" {
	{ cat "$golden"; head -c 100 "$golden"; } >"$BATS_TEST_TMPDIR/cut"
	run -1 --separate-stderr dmpstat --replay "$BATS_TEST_TMPDIR/cut" -Hp -e read -o reqs 60
	[ "$output" = 19000 ]
	[[ $stderr == *"line 3: not a report of dmpstat" ]]
}

@test "neither locale nor terminal change the numbers" {
	dmpstat --replay "$golden" -w >"$BATS_TEST_TMPDIR/plain"
	LC_ALL=de_DE.UTF-8 dmpstat --replay "$golden" -w | cmp - "$BATS_TEST_TMPDIR/plain"
	TERM=dumb NO_COLOR=1 dmpstat --replay "$golden" -w | cmp - "$BATS_TEST_TMPDIR/plain"
	dmpstat --replay "$golden" -w --color=always | cat >"$BATS_TEST_TMPDIR/color"
	grep -q $'\e' "$BATS_TEST_TMPDIR/color"
	sed 's/\x1b\[[0-9;]*m//g' "$BATS_TEST_TMPDIR/color" | cmp - "$BATS_TEST_TMPDIR/plain"
	for columns in 0 1 40 -5 100000 x; do
		COLUMNS=$columns dmpstat --replay "$golden" -w >/dev/null
	done
	# a terminal of 0 x 0, a color one, and one without colors
	script -qc "stty rows 0 cols 0; env -u COLUMNS $DMP_TOOLS/dmpstat --replay $golden -w" /dev/null >"$BATS_TEST_TMPDIR/tty"
	grep -q $'\e' "$BATS_TEST_TMPDIR/tty"
	NO_COLOR=1 script -qc "$DMP_TOOLS/dmpstat --replay $golden -w" /dev/null >"$BATS_TEST_TMPDIR/tty"
	run ! grep -q $'\e' "$BATS_TEST_TMPDIR/tty"
}

@test "a bad command line" {
	refuses 'interval 0: expected seconds, from 0.1 to 100000000' 0
	refuses 'interval nan:' nan
	refuses 'interval -1:' -- -1
	refuses 'interval 1e9:' 1e9
	refuses 'interval inf:' inf
	refuses 'count 0: expected a number from 1 on' 1 0
	refuses 'count 1.5:' 1 1.5
	refuses 'unknown operation reads, expected read, write' -e reads
	refuses '-n 0: expected a number from 1 on' -n 0
	refuses '-n -1:' -n -1
	refuses '-T x: expected u or d' -T x
	refuses '--color maybe: expected auto, always or never' --color=maybe
	refuses 'See dmpstat --help' --foo
	refuses 'Unrecognised field: foo' -o foo
	refuses 'Selection syntax error' -S 'foo=1'
	refuses 'foo' -O foo
	refuses '--record would overwrite the file of --replay' --replay "$golden" --record "$PWD/scripts/../scripts/tests/golden.json"
	refuses '-M takes --joint VOLUME instead of -x' -M -x
	refuses '-M has no total' -M -e total
	refuses '-M takes no count' -M --out x 1 2
	refuses '-M with an interval needs --out FILE' -M 1
	refuses 'expected a volume, not a pattern' -M --joint 'vg*'
	refuses '--out, --http and --joint are for -M' --http
	refuses '-M cannot be combined with --record, --replay and --svg' -M --replay "$golden"
	refuses '--http answers one request, without --out and interval' -M --http --out x
	# shellcheck disable=SC2046 # words
	refuses '--joint: expected at most 16 volumes' -M $(printf -- '--joint v%d ' {1..17})
	refuses '--le x: expected octave, half or none' -M --le=x
	for option in -o -O -S; do
		run -0 --separate-stderr dmpstat $option help
		[[ $output == *"p99 "*"99th percentile of the latencies [ns]."* ]]
		[ "$(grep -c '^ *p99 ' <<<"$output")" = 1 ]
		[ ! "$stderr" ]
	done
	run -0 dmpstat --help
	[[ $output == "usage: dmpstat "* ]]
}

@test "a record that is none" {
	bad=$BATS_TEST_TMPDIR/bad
	for text in '' '{}' '[]' 'null' '{"schema":"dmpstat/2"}' 'x' "$(head -c 500 "$golden")" "$(head -n 1 "$golden" | sed 's,dmpstat/1,dmpstat/2,')"; do
		{ head -n 1 "$golden"; echo "$text"; } >"$bad"
		run -1 --separate-stderr dmpstat --replay "$bad" -J
		[ "$stderr" = "dmpstat: $bad: line 2: not a report of dmpstat" ]
		[ "$(wc -l <<<"$output")" = 1 ]
	done
	: >"$bad"
	run -1 dmpstat --replay "$bad"
	[ "$output" = "dmpstat: $bad: has no report" ]
	run -1 dmpstat --replay "$bad.none"
	[[ $output == *"No such file or directory" ]]
	run -1 dmpstat --replay "$golden" --record /dev/full
	[[ $output == *"cannot write /dev/full: No space left on device"* ]]
	run -1 dmpstat --replay "$golden" --record "$BATS_TEST_TMPDIR"
	[ "$output" = "dmpstat: $BATS_TEST_TMPDIR: Is a directory" ]
}

@test "names of a record do nothing to a terminal, and add no row" {
	sed 's/vg-db/\\u001b[2J\\n\\u009bx\\ty/g; s/"LVM-abc"/"\\u001b"/; s/"gone":\[\]/"gone":["\\u001b"]/' "$golden" >"$BATS_TEST_TMPDIR/hostile"
	for view in "" -l -w -x "-H -o +uuid,dev"; do
		# shellcheck disable=SC2086 # words
		run -0 dmpstat --replay "$BATS_TEST_TMPDIR/hostile" --color=never $view
		grep -qF '\x1b[2J\x0a\xc2\x9bx\x09y' <<<"$output"
		run ! grep -P '[^\n\t -~]' <<<"$output"
	done
	[ "$(dmpstat --replay "$BATS_TEST_TMPDIR/hostile" -H -o uuid -e read $'\e[2J\n\u009bx\ty' 1 1)" = '\x1b' ]
}

@test "idle volumes of a sum, and of volumes that are named" {
	sum=$BATS_TEST_TMPDIR/sum
	# three volumes: a, then b is active for a second, and then a ends
	head -n 1 "$golden" | jq -c '.idle = 2 | .volumes[0].name = "a" | .volumes |= .[:1],
		(.idle = 2 | .volumes[0].name = "b" | .volumes[0].diskseq = 1 | .volumes |= .[:1]),
		(.idle = 2 | .gone = ["a"] | .volumes = [])' >"$sum"
	for seconds in 1:2,2,2 2:1,2 3:1; do
		[ "$(dmpstat --replay "$sum" -J "${seconds%:*}" | jq .idle | paste -s -d ,)" = "${seconds#*:}" ]
	done
	[ "$(dmpstat --replay "$sum" -J a 1 | jq .idle | paste -s -d ,)" = 0,0,0 ]
	# an idle volume that begins anew within a second
	{
		head -n 1 "$sum"
		head -n 1 "$sum" | jq -c '.idle = 1 | .gone = ["a"] | .volumes[0].diskseq = 2'
	} >"$sum.restart"
	[ "$(dmpstat --replay "$sum.restart" -J 1 | jq .idle | paste -s -d ,)" = 2,1 ]
	[ "$(dmpstat --replay "$sum.restart" -J 2 | jq .idle)" = 1 ]
}

@test "each part of a record has its type" {
	bad=$BATS_TEST_TMPDIR/bad
	while read -r edit; do
		head -n 1 "$golden" | jq -c "$edit" >"$bad"
		echo "$edit"
		run -1 dmpstat --replay "$bad"
		[ "$output" = "dmpstat: $bad: line 1: not a report of dmpstat" ]
	done <<-'END'
		.time = "today"
		.time = null
		.interval_ns = "1"
		del(.interval_ns)
		.idle = -1
		.gone = {}
		.gone = [1]
		.volumes = {}
		.volumes = [1]
		.volumes[0].name = 1
		del(.volumes[0].uuid)
		.volumes[0].dev = null
		.volumes[0].diskseq = null
		.volumes[0].interval_ns = -1
		.volumes[0].ops = []
		.volumes[0].ops.read = 1
		.volumes[0].ops.read.reqs = "1"
		.volumes[0].ops.read.bytes = 1.5
		del(.volumes[0].ops.read.errors)
		.volumes[0].ops.read.size_hist = 1
		.volumes[0].ops.read.size_hist = [[4096]]
		.volumes[0].ops.read.size_hist = [[4096, 1, 1]]
		.volumes[0].ops.read.size_hist = [["4096", 1]]
		.volumes[0].ops.read.size_hist = [[4096, -1]]
		.volumes[0].ops.read.size_hist = [[4097, 1]]
		.volumes[0].ops.read.latency_ns = null
		.volumes[0].ops.read.latency_hist = 1
		.volumes[0].ops.read.latency_hist = [[65537, 1]]
		.volumes[0].ops.read.joint = 1
		.volumes[0].ops.read.joint = [[4096, 65536]]
		.volumes[0].ops.read.joint = [[4096, 65536, 1, 1]]
		.volumes[0].ops.read.joint = [[4096, 65536, null]]
		.volumes[0].ops.read.joint = [[4097, 65536, 1]]
		.volumes[0].ops.read.joint = [[4096, 65537, 1]]
	END
}

@test "100,000 damaged inputs, under sanitizers" {
	make -s -C tools/dm O="$BATS_TEST_TMPDIR" CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
	cd tools/dm
	# shellcheck disable=SC2046 # words
	gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I. -D_GNU_SOURCE \
		-D'__printf(a, b)=' ../../scripts/tests/fuzz.c $(printf "$BATS_TEST_TMPDIR/%s.o " record sysfs report counts format error) \
		$(pkg-config --libs json-c) -lm -o "$BATS_TEST_TMPDIR/fuzz"
	run -0 "$BATS_TEST_TMPDIR/fuzz" 100000 1 "$golden"
	[[ $output == "100000 inputs, "*" taken" ]]
	# and the views
	for view in "" -l -r -w -x "-J -x" "-e total 2"; do
		# shellcheck disable=SC2086 # words
		"$BATS_TEST_TMPDIR/dmpstat" --replay "$golden" $view >/dev/null
	done
}

@test "the manual has every option and column" {
	dmpstat --help | grep -oE '^ +(-[a-zA-Z])?,? *(--[a-z]+)?' | tr -d ' ' | tr , '\n' | grep . >"$BATS_TEST_TMPDIR/options"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/options")" -gt 15 ]
	page=$(sed 's/\\-/-/g' tools/dm/dmpstat.8)
	while read -r option; do
		grep -qe "$option" <<<"$page" || { echo "no $option"; false; }
	done <"$BATS_TEST_TMPDIR/options"
	dmpstat -o help | awk '/ - / { print $1 }' | grep -vxE 'all|selected|help|\?' >"$BATS_TEST_TMPDIR/columns"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/columns")" = 20 ]
	while read -r column; do
		grep -qx ".B $column" tools/dm/dmpstat.8 || { echo "no $column"; false; }
	done <"$BATS_TEST_TMPDIR/columns"
	run -0 --separate-stderr man -l --warnings tools/dm/dmpstat.8
	[ -z "$stderr" ]
}

@test "both tools build without a warning by gcc and by clang, alone and with dmpctl only" {
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		make -s -C tools/dm CC=$cc O="$BATS_TEST_TMPDIR" CFLAGS="-O2 -Werror" clean all
		"$BATS_TEST_TMPDIR/dmpstat" --help >/dev/null
	done
	mkdir "$BATS_TEST_TMPDIR/few"
	cp tools/dm/{Makefile,dmpctl*,error*,lock*,volume*} "$BATS_TEST_TMPDIR/few"
	make -s -C "$BATS_TEST_TMPDIR/few" CFLAGS="-O2 -Werror"
	[ -x "$BATS_TEST_TMPDIR/few/dmpctl" ]
}

# fill TIME BUCKET: color of the cell in the picture, nothing if it is empty
fill()
{
	sed -n "s/.*fill=\"\(#[0-9a-f]*\)\"><title>$1, $2: .*/\1/p" "$BATS_TEST_TMPDIR/svg"
}

# pixel X Y: its color in the picture
pixel()
{
	pamcut -left "$1" -top "$2" -width 1 -height 1 pnm | tail -c 3 | od -An -tx1 | tr -d ' '
}

@test "the picture: XML, colors of known cells, hostile names, a file that is replaced at once" {
	cd "$BATS_TEST_TMPDIR"
	dmpstat --replay "$golden" -e read -J --svg svg >/dev/null
	xmllint --noout svg
	[ "$(grep -c '<title>' svg)" = 7 ]
	# 9120 is the largest count, 49 is 43 % of it by logarithm
	[ "$(fill 14:05:01 '98.3us to 131us')" = '#08306b' ]
	[ "$(fill 14:05:01 '393us to 524us')" = '#6baed6' ]
	[ "$(fill 14:05:02 '98.3us to 131us')" = '#2171b5' ]
	[ "$(fill 14:05:02 '65.5us to 98.3us')" = '' ]
	# the same as pixels, and white where nothing was counted
	rsvg-convert svg | pngtopnm >pnm
	[ "$(pixel 100 294)" = 08306b ]
	[ "$(pixel 100 273)" = 6baed6 ]
	[ "$(pixel 700 296)" = 2171b5 ]
	for y in 100 250 265 304 350; do
		[ "$(pixel 700 $y)" = ffffff ]
	done
	sed 's/vg-db/a<b>\&c\\"\\u0007/' "$golden" >hostile
	dmpstat --replay hostile -J --svg svg >json
	head -n 1 json | jq -e '.volumes[0].name == "a<b>&c\"\\x07"'
	xmllint --xpath 'string(//*[local-name()="text"][1])' svg | grep -qxF 'Latencies of a<b>&c"\x07, vg-log, vg-new'
	run ! compgen -G 'svg.*'
	# a link stays one
	cp "$golden" file
	ln -s file link
	dmpstat --replay "$golden" -J --svg link >/dev/null
	[ -L link ]
	xmllint --noout file
	ln -s later new-link
	dmpstat --replay "$golden" -J --svg new-link >/dev/null
	[ -L new-link ]
	xmllint --noout later
	ln -s /proc/self/fd/1 stdout
	dmpstat --replay "$golden" -H -e flush --svg stdout >picture
	[ -L stdout ]
	xmllint --noout picture
	# a device stays one
	mkfifo pipe
	dmpstat --replay "$golden" -J --svg pipe >/dev/null &
	xmllint --noout - <pipe
	wait $!
	[ -p pipe ]
	# shorter than PATH_MAX, but not with the suffix of the temporary file
	long=$(printf './%.0s' {1..2044})new
	while read -r path error; do
		run -1 dmpstat --replay "$golden" -H -e flush --svg "$path"
		[[ $output == *"dmpstat: $error" ]]
	done <<-END
		none/svg none/svg: No such file or directory
		. .: Is a directory
		/dev/full cannot write /dev/full: No space left on device
		$long $long: File name too long
	END
	for names in 0:"no volume" 5:"more than 4 volumes"; do
		head -n 1 "$golden" |
			jq -c "del(.volumes[0].ops[].latency_hist) | .volumes = [range(${names%%:*}) as \$i | .volumes[0] | .diskseq = \$i | .name = \"v\\(\$i)\"]" >one
		dmpstat --replay one -J --svg svg >/dev/null
		grep -qF ">Latencies of ${names#*:}<" svg
		grep -qF '>No latencies: dmpctl latency on measures them.<' svg
	done
	# many intervals share columns
	for _ in $(seq 600); do cat "$golden"; done >many
	dmpstat --replay many -e read -H --svg svg >/dev/null
	xmllint --noout svg
	grep -q "read: $((600 * 19000)) requests" svg
	[ "$(grep -c '<title>' svg)" -lt $((512 * 7)) ]
}
