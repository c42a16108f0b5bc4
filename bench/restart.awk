# The tables of `make bench-restart`, from its two CSVs: a row for each proxy,
# medians of the rounds.  With median.awk.
FNR == 1 { file++; next }
{
	k = file SUBSEP $1 SUBSEP $2
	if (!(k in seen))
		keys[++nk] = k
	seen[k] = 1
	for (i = 4; i <= NF; i++)
		values[k, i] = values[k, i] " " $i
}

function of(k, i) {
	return median(values[k, i])
}

function restart(k, part,    floor) {
	split(k, part, SUBSEP)
	floor = 1 SUBSEP part[2] SUBSEP "floor"
	floor = floor in seen ? of(floor, 5) : 0
	if (of(k, 5) == 0) {
		printf "| %s | %s | %d | – | – | – | – | – | %d | – | %d |\n", \
		    part[2], part[3], of(k, 4), of(k, 8), of(k, 10)
		return
	}
	printf "| %s | %s | %d | %.2f | %s | %.0f | %.0f | %.2f | %d | %s | %d |\n", \
	    part[2], part[3], of(k, 4), of(k, 5), \
	    floor ? sprintf("%.2f", of(k, 5) / floor) : "–", of(k, 6), \
	    of(k, 7), of(k, 7) / of(k, 6), of(k, 8), \
	    of(k, 9) ? sprintf("%.2f", of(k, 9) / 1000) : "–", of(k, 10)
}

function outage(k, part) {
	split(k, part, SUBSEP)
	printf "| %s | %s | %d | %d | %.0f | %.0f | %.0f | %.2f | %d | %d |\n", \
	    part[2], part[3], of(k, 4), of(k, 5), of(k, 6), of(k, 7), of(k, 8), \
	    of(k, 9), of(k, 10), of(k, 11)
}

END {
	for (i = 1; i <= nk; i++)
		if (substr(keys[i], 1, 1) == "1") {
			if (!head++)
				print "| | | answered | s | of the floor |" \
				    " p50 ms | p99 ms | p99/p50 |" \
				    " failed connects | ms of CPU a request |" \
				    " cut |\n" \
				    "|---|---|---|---|---|---|---|---|---|---|---|"
			restart(keys[i])
		}
	if (head)
		print ""
	head = 0
	for (i = 1; i <= nk; i++)
		if (substr(keys[i], 1, 1) == "2") {
			if (!head++)
				print "| away | | answered | connects |" \
				    " ms of CPU in the first second |" \
				    " in the others | afterwards | s |" \
				    " most at once | cut |\n" \
				    "|---|---|---|---|---|---|---|---|---|---|"
			outage(keys[i])
		}
}
