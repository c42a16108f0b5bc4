# shellcheck shell=bash
# The clients of run: wrk, ab for connections that are new, and idle.c.

declare -A idle_base

# Prints: requests seconds p50_us p99_us errors
load() { # WORKLOAD PORT PREFIX…
	local workload=$1 url=http://127.0.0.1:$2 threads=1
	shift 2
	[ $# -gt 0 ] || threads=2
	local wrk=("$@" wrk --latency -t $threads -d "$SECONDS_EACH")
	case $workload in
	fixed) "${wrk[@]}" -c 64 "$url/hello" ;;
	pipelined) "${wrk[@]}" -c 64 -s "$here/pipeline.lua" "$url/hello" ;;
	file | log | idle) "${wrk[@]}" -c 64 "$url/1k.html" ;;
	random) "${wrk[@]}" -c 64 -s "$here/random.lua" "$url/" -- "$FILES" ;;
	100k) "${wrk[@]}" -c 64 "$url/100k.html" ;;
	10m) "${wrk[@]}" -c 16 "$url/10m.html" ;;
	new) "$@" ab -q -n "$CONNECTIONS" -c 64 -e "$run/ab.csv" \
		"$url/1k.html" 2>&1 ;;
	esac >"$run/load" || true
	if [ "$workload" = new ]; then
		awk -F, -v OFS=' ' '
		    FILENAME ~ /csv/ && $1 == 50 { p50 = $2 * 1000 }
		    FILENAME ~ /csv/ && $1 == 99 { p99 = $2 * 1000 }
		    /Complete requests/ { split($0, a, ":"); n = a[2] + 0 }
		    /Time taken/ { split($0, a, ":"); s = a[2] + 0 }
		    /Failed requests|Non-2xx/ { split($0, a, ":"); e += a[2] }
		    END { print n, s, p50, p99, e + 0 }' "$run/ab.csv" "$run/load"
	else
		awk 'function us(t) { return t ~ /us/ ? t + 0 : \
			t ~ /ms/ ? t * 1000 : t * 1000000 }
		    $1 == "50%" { p50 = us($2) }
		    $1 == "99%" { p99 = us($2) }
		    /requests in/ { n = $1; s = $4 + 0 }
		    /Non-2xx/ { e += $NF }
		    /Socket errors/ { gsub(",", ""); e += $4 + $6 + $8 + $10 }
		    END { print n + 0, s, p50, p99, e + 0 }' "$run/load"
	fi
}

# A server's caches are to have the files: a short run would else measure little
# but misses.  They forget in a minute, so before each.
warm_random() { # PORT PREFIX…
	local url=http://127.0.0.1:$1
	shift
	"$@" wrk -t 1 -c 64 -d 1 -s "$here/random.lua" "$url/" \
	    -- "$FILES" in_order >"$run/load"
}

# What the server has before its first idle connections is what later ones are
# compared with, too: not every server gives back what it had for those.  False
# when it does not answer all of them.
hold_idle() { # INSTANCE PREFIX…
	local name=$1
	shift
	[ -n "${idle_base[$name]:-}" ] ||
	    idle_base[$name]=$(memory_bytes "$name")
	rm -f "$run/hold" "$run/ready"
	mkfifo "$run/hold" "$run/ready"
	"$@" "$HOLD" "${port[$name]}" "$IDLE" /1k.html \
	    <"$run/hold" >"$run/ready" &
	holder=$!
	exec 8>"$run/hold"
	read -r <"$run/ready"
}

release_idle() { # INSTANCE
	exec 8>&-
	wait "$holder" || true
	settle "$1"
}
