# The README's table, from run's CSV: a row for each workload, CPU time for each
# request of one worker.  With median.awk.
$1 != "pinned" { next }
{
	k = $3 SUBSEP $4
	cpu[k] = cpu[k] " " $5
	if ($10 != "")
		idle[$4] = idle[$4] " " $10
}

function cell(list) {
	return list == "" ? "–" : \
	    sprintf(median(list) < 100 ? "%.2f" : "%.0f", median(list))
}

END {
	nw = split("fixed pipelined file random new log 100k 10m idle", w, " ")
	ns = split("baton nginx lighttpd h2o caddy haproxy floor", s, " ")
	split("0.80 0.15 0.60 0.65 0.90 0.65 1.00 1.00", goal, " ")
	print "| us of CPU | of nginx | goal | baton | nginx | lighttpd | h2o |" \
	    " caddy | haproxy | floor |"
	print "|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= nw; i++) {
		ours = cpu[w[i], "baton"]
		base = cpu[w[i], "nginx"]
		if (ours == "" || base == "")
			continue
		printf "| %s | %.2f | %s |", w[i], \
		    median(ours) / median(base), goal[i]
		for (j = 1; j <= ns; j++)
			printf " %s |", cell(cpu[w[i], s[j]])
		print ""
	}
	if (idle["baton"] == "" || idle["nginx"] == "")
		exit
	printf "| *bytes of an idle one* | %.2f | 512 |", \
	    median(idle["baton"]) / median(idle["nginx"])
	for (j = 1; j <= ns; j++)
		printf " %s |", idle[s[j]] == "" ? "–" : \
		    sprintf("%.0f", median(idle[s[j]]))
	print ""
}
