# shellcheck shell=bash
# The servers of run: starting and stopping them, and what they use.  An
# instance is named as its server; NAME.log writes an access log, NAME.aio reads
# files with threads.

pids=()
declare -A pid port

stop_all() {
	local p
	for p in "${pids[@]}"; do
		kill "$p" 2>/dev/null || true
	done
	for p in "${pids[@]}"; do
		wait "$p" 2>/dev/null || true
	done
	pids=()
}

free_port() { # one that nobody listens at
	local p
	while :; do
		p=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || break
	done
	echo "$p"
}

# A line that begins with @LOG@ is for instances with a log, one with @QUIET@
# for those without, one with @AIO@ for those with threads.  lighttpd takes no
# more connections than half of its descriptors.
fill_in() { # INSTANCE WORKERS PORT
	local on=QUIET off=LOG aio='/^@AIO@/d' fds
	fds=$(ulimit -Hn)
	[ "$fds" != unlimited ] && [ "$fds" -lt 32768 ] || fds=32768
	case $1 in
	*.log) on=LOG off=QUIET ;;
	*.aio) aio='s|^@AIO@||' ;;
	esac
	sed -e "$aio" -e "/^@$off@/d" -e "s|^@$on@||" -e "s|@WORKERS@|$2|g" \
	    -e "s|@PORT@|$3|g" -e "s|@ROOT@|$run/www|g" -e "s|@RUN@|$run|g" \
	    -e "s|@NAME@|$1|g" -e "s|@USER@|$(id -un)|g" \
	    -e "s|@FDS@|$fds|g" -e "s|@HALF@|$((fds / 2))|g" \
	    -e "s|@EXTRA@|$(($2 > 1 ? $2 : 0))|g" \
	    "$here/${1%.*}.conf.in" >"$run/$1.conf"
}

start() { # INSTANCE WORKERS PREFIX…
	local name=$1 workers=$2 p conf=$run/$1.conf
	shift 2
	p=$(free_port)
	port[$name]=$p
	[ "$name" = floor ] || fill_in "$name" "$workers" "$p"
	case ${name%.*} in
	floor) "$@" "$FLOOR" "$p" "$workers" 1024 & ;;
	baton) "$@" "$BATON" -c "$conf" & ;;
	nginx) "$@" nginx -p "$run" -c "$conf" 2>/dev/null & ;;
	lighttpd) "$@" setsid lighttpd -D -f "$conf" & ;;
	h2o) "$@" h2o -c "$conf" >/dev/null 2>&1 & ;;
	haproxy) "$@" haproxy -q -db -f "$conf" & ;;
	caddy) XDG_DATA_HOME=$run XDG_CONFIG_HOME=$run "$@" caddy run \
		--adapter caddyfile --config "$conf" >/dev/null 2>&1 & ;;
	esac
	pid[$name]=$!
	pids+=("$!")
	for _ in $(seq 500); do
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null && return
		pause
	done
	echo "bench: $name does not answer" >&2
	exit 1
}

pause() { # 10 ms
	read -rt 0.01 <> <(:) || true
}

tree() { # all processes below PID, and PID
	local p children
	for p in "$@"; do
		echo "$p"
		children=$(cat "/proc/$p/task/"*/children 2>/dev/null) || true
		[ -z "$children" ] || tree $children
	done
}

cpu_ns() { # INSTANCE: time on a CPU of its whole tree
	local p
	for p in $(tree "${pid[$1]}"); do
		cat "/proc/$p/task/"*/schedstat 2>/dev/null || true
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# Of all its processes, what they share counted once.
memory_bytes() { # INSTANCE
	local p
	for p in $(tree "${pid[$1]}"); do
		cat "/proc/$p/smaps_rollup" 2>/dev/null || true
	done | awk '/^Pss:/ { sum += $2 } END { printf "%.0f\n", sum * 1024 }'
}

# Until it has nothing to do any more, or 3 s: some always find something.
settle() { # INSTANCE
	local before after=-1 n=0
	while before=$after && after=$(cpu_ns "$1") &&
	    [ $((after - before)) -gt 1000000 ] && [ $((n += 1)) -lt 60 ]; do
		pause && pause && pause && pause && pause
	done
}
