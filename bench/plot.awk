# From the CSV of run to a picture: CPU time for each request and its part of
# nginx', a panel for each workload, one worker if that was measured.  SVG, which
# needs nothing to be drawn and follows its reader's dark or light scheme.  With
# median.awk.

$1 == "mode" { next }
{
	if (mode == "" || $1 == "pinned")
		mode = $1
	k = $1 SUBSEP $3 SUBSEP $4
	cpu[k] = cpu[k] " " $5
	if ($10 != "")
		idle[$1 SUBSEP $4] = idle[$1 SUBSEP $4] " " $10
}

function text(x, y, class, s) {
	printf "<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x, y, class, s
}

function bar(x, y, width, class) {
	printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"12\" rx=\"2\"" \
	    " class=\"%s\"/>\n", x, y, width, class
}

# One panel: a bar for each server that has `value`, relative to base.
function panel(x, y, title, unit, value, base,    i, scale, most, width) {
	text(x, y + 12, "title", title)
	y += 22
	most = 0
	for (i = 1; i <= ns; i++)
		if (server[i] in value && value[server[i]] > most)
			most = value[server[i]]
	# what is far off would make the others unreadable: it is cut
	if (base > 0 && most > 3 * base)
		most = 3 * base
	for (i = 1; i <= ns; i++) {
		if (!(server[i] in value))
			continue
		width = value[server[i]] / most * 140
		text(x, y + 10, "name", server[i])
		bar(x + 62, y, width > 140 ? 140 : width, \
		    server[i] == "baton" ? "ours" : "theirs")
		text(x + 66 + (width > 140 ? 140 : width), y + 10, "value", \
		    sprintf(value[server[i]] < 100 ? "%.2f" : "%.0f", \
		    value[server[i]]) unit \
		    (base > 0 && server[i] != "nginx" ? \
		    sprintf(" (%.2f)", value[server[i]] / base) : "") \
		    (width > 140 ? " →" : ""))
		y += 17
	}
	return y
}

END {
	ns = split("baton nginx lighttpd h2o caddy haproxy floor", server, " ")
	nw = split("fixed pipelined file random new log 100k 10m idle", w, " ")
	title["fixed"] = "fixed answer"
	title["pipelined"] = "fixed answer, pipelined"
	title["file"] = "1 KiB file"
	title["random"] = "10,000 files at random"
	title["new"] = "1 KiB file, new connections"
	title["log"] = "1 KiB file, access log"
	title["100k"] = "100 KiB file"
	title["10m"] = "10 MiB file"
	title["idle"] = "1 KiB file beside 10,000 idle"
	for (i = 1; i <= nw; i++)
		for (j = 1; j <= ns; j++)
			if ((mode SUBSEP w[i] SUBSEP server[j]) in cpu)
				shown[w[i]]++
	for (j = 1; j <= ns; j++)
		if ((mode SUBSEP server[j]) in idle)
			shown["memory"]++
	w[++nw] = "memory"
	title["memory"] = "memory of an idle connection"
	rows = 0
	for (i = 1; i <= nw; i++)
		if (shown[w[i]] > rows)
			rows = shown[w[i]]
	for (i = 1; i <= nw; i++)
		panels += shown[w[i]] > 0
	high = 17 * rows + 44
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\"" \
	    " height=\"%d\" viewBox=\"0 0 960 %d\" role=\"img\">\n", \
	    int((panels + 2) / 3) * high + 40, int((panels + 2) / 3) * high + 40
	print "<title>CPU time for each request</title>"
	print "<style>" \
	    "text { font: 12px system-ui, sans-serif; fill: #24292f }" \
	    ".title { font-weight: 600; font-size: 13px }" \
	    ".head { font-size: 14px }" \
	    ".name, .value { fill: #57606a }" \
	    ".ours { fill: #d1541b } .theirs { fill: #9aa4ae }" \
	    "@media (prefers-color-scheme: dark) {" \
	    "text { fill: #e6edf3 } .name, .value { fill: #9aa4ae }" \
	    ".theirs { fill: #57606a } }" \
	    "</style>"
	text(10, 20, "head", "CPU time for each request in µs, and" \
	    " in brackets as part of nginx’s; " \
	    (mode == "pinned" ? "one worker" : "a worker for each CPU") \
	    ". Shorter is better.")
	at = 0
	for (i = 1; i <= nw; i++) {
		if (!shown[w[i]])
			continue
		delete value
		for (j = 1; j <= ns; j++) {
			k = mode SUBSEP w[i] SUBSEP server[j]
			if (w[i] == "memory" && (mode SUBSEP server[j]) in idle)
				value[server[j]] = median(idle[mode SUBSEP server[j]])
			else if (k in cpu)
				value[server[j]] = median(cpu[k])
		}
		panel(10 + at % 3 * 318, 40 + int(at / 3) * high, title[w[i]], \
		    w[i] == "memory" ? " bytes" : "", value, \
		    "nginx" in value ? value["nginx"] : 0)
		at++
	}
	print "</svg>"
}
