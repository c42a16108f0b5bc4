# The tables of report, from run's CSV; with median.awk.
$1 == "mode" { next }
{
	k = $1 SUBSEP $3 SUBSEP $4
	cpu[k] = cpu[k] " " $5; rps[k] = rps[k] " " $6
	p50[k] = p50[k] " " $7; p99[k] = p99[k] " " $8; bad[k] += $9
	if ($10 != "")
		idle[$1 SUBSEP $4] = idle[$1 SUBSEP $4] " " $10
	modes[$1]
}

function ms(list) { # wrk has none for pipelined answers
	return median(list) > 0 ? sprintf("%.2f", median(list) / 1000) : "–"
}

function us(value) {
	return sprintf(value < 100 ? "%.2f" : "%.0f", value)
}

function ratio(value, base) {
	return base > 0 ? sprintf("%.2f", value / base) : ""
}

# The cost of a busy request beside idle connections, of that without them.
function beside(mode, name,    k, alone) {
	k = mode SUBSEP "idle" SUBSEP name
	alone = mode SUBSEP (name == "haproxy" ? "fixed" : "file") SUBSEP name
	return alone in cpu ? ratio(median(cpu[k]), median(cpu[alone])) : ""
}

END {
	goal["fixed"] = 0.80; goal["pipelined"] = 0.15; goal["file"] = 0.60
	goal["new"] = 0.90; goal["random"] = 0.65; goal["log"] = 0.65
	goal["100k"] = 1.0; goal["10m"] = 1.0
	nw = split("fixed pipelined file random new log 100k 10m idle", w, " ")
	ns = split("baton nginx lighttpd h2o caddy haproxy floor", s, " ")
	nm = split("pinned all", m, " ")
	for (x = 1; x <= nm; x++) {
		if (!(m[x] in modes))
			continue
		printf "\n%s\n\n", m[x] == "pinned" ? \
		    "One worker, pinned:" : "A worker for each CPU:"
		print "| workload | server | CPU us / request | of nginx | goal" \
		    " | requests/s | p50 ms | p99 ms |"
		print "|---|---|---|---|---|---|---|---|"
		for (i = 1; i <= nw; i++)
			for (j = 1; j <= ns; j++) {
				k = m[x] SUBSEP w[i] SUBSEP s[j]
				if (!(k in cpu))
					continue
				base = m[x] SUBSEP w[i] SUBSEP "nginx"
				printf "| %s | %s | %s | %s | %s | %.0f | %s | %s |%s\n",
				    w[i], s[j], us(median(cpu[k])),
				    base in cpu ? ratio(median(cpu[k]), \
				    median(cpu[base])) : "",
				    s[j] == "baton" && w[i] in goal ? \
				    sprintf("%.2f", goal[w[i]]) : "",
				    median(rps[k]), ms(p50[k]), ms(p99[k]),
				    bad[k] ? " " bad[k] " ERRORS" : ""
			}
	}
	for (x = 1; x <= nm; x++) {
		said = 0
		for (j = 1; j <= ns; j++) {
			if (!((m[x] SUBSEP s[j]) in idle))
				continue
			if (!said++)
				printf "\nIdle connections, %s:\n\n| server |" \
				    " bytes each | CPU of busy ones, of" \
				    " that without |\n|---|---|---|\n", \
				    m[x] == "pinned" ? "one worker" : \
				    "a worker for each CPU"
			printf "| %s | %.0f | %s |\n", s[j], \
			    median(idle[m[x] SUBSEP s[j]]), beside(m[x], s[j])
		}
	}
}
