#!/usr/bin/env bats
# Who reads the metrics, in a Debian with systemd: Prometheus by the socket and by
# node_exporter's textfile, the queries of the dashboard, and PCP.

# shellcheck disable=SC2016 # variables of Grafana
bats_require_minimum_version 1.5.0
load ../guest
load ../volume

# dmp1 delays each read by 80 ms, which is in the octave of 67 to 134 ms. fio reads it while
# Prometheus looks.
setup_file()
{
	modprobe -a dm-mod dmp
	# udev would read the volumes, which would take long and count
	systemctl stop systemd-udevd systemd-udevd-kernel.socket systemd-udevd-control.socket
	export DM_DISABLE_UDEV=1
	zero
	dmsetup create slow --table "0 2097152 delay /dev/mapper/zero1 0 80"
	create dmp1 /dev/mapper/slow 0 1 latency
	install "$DMP_TOOLS/dmpstat" /usr/bin
	install -m 644 -t /etc/systemd/system "$DMP_TOP"/contrib/dmpstat*
	prometheus_config >/etc/prometheus/prometheus.yml
	systemctl daemon-reload
	systemctl start dmpstat.socket dmpstat-textfile prometheus prometheus-node-exporter
	for job in socket textfile; do
		eventually has "count(dmp_volume_info{job=\"$job\"}) == 1"
	done
	fio_run --rw=randread --bs=4k --ioengine=libaio --iodepth=4 --number_ios=100 --size=64M
	for job in socket textfile; do
		eventually has "dmp_request_size_bytes_count{job=\"$job\",op=\"read\"} == 100"
	done
}

# not that of guest.bash: the volumes of setup_file stay, and the log as well
setup()
{
	:
}

teardown()
{
	kernel_is_content
}

teardown_file()
{
	systemctl stop dmpstat.socket dmpstat-textfile prometheus prometheus-node-exporter
	guest_teardown
}

prometheus_config()
{
	cat <<-END
		global:
		  scrape_interval: 10s
		scrape_configs:
		  - job_name: socket
		    static_configs:
		      - targets: [localhost:9987]
		  - job_name: textfile
		    static_configs:
		      - targets: [localhost:9100]
	END
}

# ask QUERY: what Prometheus answers, a line for each series: labels and value
ask()
{
	curl -sSG http://localhost:9090/api/v1/query --data-urlencode "query=$1" |
		jq -er 'if .status == "success" then .data.result[] | "\(.metric) \(.value[1])" else error(.error) end'
}

# has QUERY: whether Prometheus has an answer
has()
{
	ask "$1" >/dev/null 2>&1
}

# number QUERY: its one value
number()
{
	ask "$1" | sed 's/.* //'
}

@test "Prometheus has what fio sent, by the socket and by the textfile" {
	read -r reqs bytes < <(fio_counts "$TMPDIR/fio.json" read)
	for job in socket textfile; do
		read="job=\"$job\",volume=\"dmp1\",op=\"read\""
		equal "$job reads" "$(number "dmp_request_size_bytes_count{$read}")" "$reqs"
		equal "$job bytes" "$(number "dmp_request_size_bytes_sum{$read}")" "$bytes"
		equal "$job up to 4095" "$(number "dmp_request_size_bytes_bucket{$read,le=\"4095\"}")" 0
		equal "$job up to 8191" "$(number "dmp_request_size_bytes_bucket{$read,le=\"8191\"}")" "$reqs"
		equal "$job timed" "$(number "dmp_request_duration_seconds_count{$read}")" "$reqs"
		equal "$job errors" "$(number "dmp_request_errors_total{$read}")" 0
	done
}

@test "a quantile of Prometheus is in the bucket of the delay" {
	for q in 0.1 0.5 0.9; do
		quantile="histogram_quantile($q, sum by (le) (dmp_request_duration_seconds_bucket{job=\"socket\",op=\"read\"}))"
		echo "# p$q: $(number "$quantile")" >&3
		has "$quantile > 0.067108864 <= 0.134217728"
	done
}

@test "each query of the dashboard has an answer" {
	dashboard=$DMP_TOP/contrib/dmp-dashboard.json
	mapfile -t queries < <(jq -er '.panels[].targets[].expr' "$dashboard" |
		sed 's/\$__rate_interval/5m/g; s/\$[a-z]*/.*/g')
	[ ${#queries[@]} -ge 10 ]
	for query in "${queries[@]}"; do
		has "$query" || { echo "no answer: $query"; false; }
	done
	# its variables are values of labels
	mapfile -t queries < <(jq -er '.templating.list[] | select(.type == "query") | .query' "$dashboard" |
		sed -E 's/^label_values\((.*), ([a-z]+)\)$/count by (\2) (\1)/; s/\$[a-z]*/.*/g')
	equal variables ${#queries[@]} 3
	for query in "${queries[@]}"; do
		ask "$query" | grep -E '"(localhost:9987|dmp1|read)"' || { echo "no answer: $query"; false; }
	done
}

@test "PCP shows the same by an executable source" {
	# its daemon waits 3 s for an agent, which is written in Python
	printf '%s\n' '-q 60' '-t 60' >>/etc/pcp/pmcd/pmcd.options
	cd /var/lib/pcp/pmdas/openmetrics
	printf '#!/bin/sh\nexec dmpstat -M\n' >config.d/dmp.sh
	chmod +x config.d/dmp.sh
	systemctl start pmcd
	./Install </dev/null >"$TMPDIR/install" 2>&1 || { cat "$TMPDIR/install"; false; }
	pminfo -f openmetrics.dmp >"$TMPDIR/pminfo"
	systemctl stop pmcd
	read -r reqs bytes < <(fio_counts "$TMPDIR/fio.json" read)
	equal reads "$(pcp dmp_request_size_bytes_count op:read)" "$reqs"
	equal bytes "$(pcp dmp_request_size_bytes_sum op:read)" "$bytes"
	equal "up to 8191" "$(pcp dmp_request_size_bytes_bucket 'le:8191 op:read')" "$reqs"
	equal timed "$(pcp dmp_request_duration_seconds_count op:read)" "$reqs"
}

# pcp METRIC LABELS: the value that pminfo showed for dmp1
pcp()
{
	sed -nE "/^openmetrics\.dmp\.$1$/,/^$/s/.*\[[0-9]+ or \"[0-9]+ $2 volume:dmp1\"\] value //p" "$TMPDIR/pminfo"
}

@test "the units: started for each scrape, not root, nothing said" {
	curl -sS http://localhost:9987/metrics >"$TMPDIR/metrics"
	promtool check metrics <"$TMPDIR/metrics"
	equal "status" "$(curl -sS -o /dev/null -w '%{http_code}' http://localhost:9987/)" 404
	equal "user" "$(systemctl show -P DynamicUser 'dmpstat@1.service')" yes
	equal "failed" "$(systemctl list-units --failed --plain --no-legend 'dmpstat*')" ""
	equal "said" "$(journalctl -q -o cat -t env -t dmpstat)" ""
	# systemd forgets a failed instance of a template
	run ! journalctl -q -o cat -t systemd --grep 'dmpstat.*(code=(dumped|killed|exited)|Failed)'
	# node_exporter shows no counts that nobody updates
	[ -e /var/lib/prometheus/node-exporter/dmp.prom ]
	systemctl stop dmpstat-textfile
	[ ! -e /var/lib/prometheus/node-exporter/dmp.prom ]
	run -0 systemd-analyze verify --man=no dmpstat.socket dmpstat@.service dmpstat-textfile.service
	equal "systemd-analyze" "$output" ""
}
