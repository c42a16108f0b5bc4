# The table of `make bench-proxy`, from its CSV: a row for each scenario, medians
# of the rounds.  With median.awk.
NR == 1 { next }
{
	k = $1 SUBSEP $2
	cpu[k] = cpu[k] " " $4
	p99[k] = p99[k] " " $7
}

function cell(list, format) {
	return list == "" ? "–" : sprintf(format, median(list))
}

function ratio(ours, theirs) {
	return ours == "" || theirs == "" ? "–" : \
	    sprintf("%.2f", median(ours) / median(theirs))
}

function row(title, w, values, format,    j) {
	if (values[w, "baton"] == "")
		return
	printf "| %s | %s | %s |", title, \
	    ratio(values[w, "baton"], values[w, "nginx"]), \
	    ratio(values[w, "baton"], values[w, "haproxy"])
	for (j = 1; j <= ns; j++)
		printf " %s |", cell(values[w, s[j]], format)
	print ""
}

END {
	ns = split("baton nginx haproxy caddy", s, " ")
	nw = split("small 1MiB upload tunnels", w, " ")
	title["small"] = "small answers, us of CPU"
	title["1MiB"] = "1 MiB answers"
	title["upload"] = "1 MiB uploads"
	title["tunnels"] = "a WebSocket's echo"
	print "| | of nginx | of haproxy | baton | nginx | haproxy | caddy |"
	print "|---|---|---|---|---|---|---|"
	for (i = 1; i <= nw; i++) {
		row(title[w[i]], w[i], cpu, "%.1f")
		row("p99, ms", w[i], p99, "%.1f")
	}
	row("bytes of a WebSocket", "tunnel", cpu, "%.0f")
	row("bytes of a request that the server has", "held", cpu, "%.0f")
	row("bytes of one that waits for a server", "queue", cpu, "%.0f")
	row("us of CPU a second for all that wait", "waiting", cpu, "%.0f")
}
