/*
 * The table of directives, and finding rows in it.  Runs in the master, or in
 * `baton -t`.
 *
 * Presets touch nothing that was not asked for: no file, no socket but what
 * is listened at.  The conf that is installed names its paths itself.
 */

#include "conf/directives.h"

#include "conf/build.h"
#include "conf/values.h"

#include <stdio.h>

#define FIELD(name) offsetof(struct bt_conf, name)
#define SCOPE(name) \
	.inherited = true, .field = offsetof(struct bt_conf_scope, name)
#define PROXY(name) .field = offsetof(struct bt_conf_proxy, name)
#define UPSTREAM(name) .field = offsetof(struct bt_conf_upstream, name)
#define ARGS(least, most) .args_min = (least), .args_max = (most)

enum {
	RESOLVERS_MAX = 8,
	SECOND = 1000,
	HOUR = 3600 * SECOND,
	DAY = 24 * HOUR,
	ANYWHERE = BT_IN_MAIN | BT_IN_SERVER | BT_IN_ROUTE,
};

static const char *const balances[] = {
	[BT_BALANCE_ROUND_ROBIN] = "round_robin",
	[BT_BALANCE_LEAST_CONNECTIONS] = "least_connections",
	[BT_BALANCE_HASH_ADDRESS] = "hash_address",
	[BT_BALANCE_HASH_URI] = "hash_uri",
	NULL,
};

static const char *const dispatches[] = {
	[BT_DISPATCH_ROUND_ROBIN] = "round_robin",
	[BT_DISPATCH_LEAST_CONNECTIONS] = "least_connections",
	NULL,
};

static const char *const proxy_versions[] = { "off", "v1", "v2", NULL };

static const char *const off_or_on[] = { "off", "on", NULL };

/* In the order of the manual: main, server, route, then what is inherited. */
/* clang-format off */
const struct bt_directive bt_directives[] = {
	{ .name = "workers", .where = BT_IN_MAIN, .type = BT_TYPE_COUNT,
	    .syntax = "auto | COUNT", .preset = "auto", .special = "auto",
	    .min = 1, .max = BT_CONF_WORKERS_MAX, ARGS(1, 1),
	    .field = FIELD(workers),
	    .help = "How many worker processes answer; auto is one for each "
		    "CPU that baton may run on.",
	    .example = "workers 4;", .nginx = " worker_processes " },
	{ .name = "user", .where = BT_IN_MAIN, .type = BT_TYPE_NAME,
	    .syntax = "NAME | off", .preset = "www-data", .special = "off",
	    .min = 1, .max = 255, ARGS(1, 1), .field = FIELD(user),
	    .help = "The user that workers become when baton is started by "
		    "root; else it is ignored.",
	    .example = "user www-data;" },
	{ .name = "pid_file", .where = BT_IN_MAIN, .type = BT_TYPE_PATH,
	    .syntax = "PATH | off", .preset = "off", .special = "off",
	    .max = 4095, ARGS(1, 1), .field = FIELD(pid_file),
	    .help = "The file that has the process id of the master; its folder "
		    "is made at the start, where it is missing.",
	    .example = "pid_file /run/baton/baton.pid;", .nginx = " pid " },
	{ .name = "control", .where = BT_IN_MAIN, .type = BT_TYPE_PATH,
	    .syntax = "PATH | off", .preset = "off", .special = "off",
	    .max = BT_CONF_UNIX_PATH_MAX, ARGS(1, 1), .field = FIELD(control),
	    .help = "The UNIX socket over which baton -s asks the running "
		    "master; its folder is made at the start, where it is "
		    "missing.",
	    .example = "control /run/baton/baton.sock;" },
	{ .name = "error_log", .where = BT_IN_MAIN, .type = BT_TYPE_CUSTOM,
	    .syntax = "stderr | syslog | syslog:PATH | PATH "
		      "[error | warn | info | debug]",
	    .preset = "stderr info", ARGS(1, 2), .set = bt_set_error_log,
	    .help = "Where messages go, and which: those of the level and the "
		    "graver ones (info when no level is given); syslog is the "
		    "datagram socket /dev/log, or another one.",
	    .example = "error_log /var/log/baton/error.log warn;" },
	{ .name = "log_format", .where = BT_IN_MAIN, .type = BT_TYPE_CUSTOM,
	    .syntax = "NAME [escape=default | escape=json] TEXT ...",
	    ARGS(2, BT_ARGS_ANY), .repeats = true, .set = bt_set_log_format,
	    .help = "A format for access_log: a text with variables; several "
		    "are one.",
	    .example = "log_format times "
		       "'$remote_addr $request_time $status $request';" },
	{ .name = "access_log", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "off | stdout | stderr | PATH [combined | common | json "
		      "| FORMAT]",
	    .preset = "off", ARGS(1, 2), .repeats = true,
	    .set = bt_set_access_log,
	    .help = "The file that gets a line for each request, and its "
		    "format (combined when none is given).",
	    .example = "access_log /var/log/baton/access.log json;" },
	{ .name = "dispatch", .where = BT_IN_MAIN, .type = BT_TYPE_CHOICE,
	    .syntax = "round_robin | least_connections",
	    .preset = "round_robin", .choices = dispatches, ARGS(1, 1),
	    .field = FIELD(dispatch),
	    .help = "Which worker gets the next connection: each in turn, or "
		    "the one that has the fewest.",
	    .example = "dispatch least_connections;", .nginx = " least_conn " },
	{ .name = "worker_connections", .where = BT_IN_MAIN,
	    .type = BT_TYPE_COUNT, .syntax = "COUNT", .preset = "16384",
	    .min = 1, .max = 1024 * 1024, ARGS(1, 1),
	    .field = FIELD(worker_connections),
	    .help = "Connections that one worker holds at most; past that "
		    "they wait in the kernel.",
	    .example = "worker_connections 65536;" },
	{ .name = "limit_connections", .where = BT_IN_MAIN,
	    .type = BT_TYPE_CUSTOM, .syntax = "COUNT per_address | off",
	    .preset = "off", ARGS(1, 2), .set = bt_set_limit_connections,
	    .help = "Connections that one client address may have at a time; "
		    "more are reset as they come.",
	    .example = "limit_connections 100 per_address;",
	    .nginx = " limit_conn limit_conn_zone " },
	{ .name = "limit_rate", .where = BT_IN_MAIN, .type = BT_TYPE_CUSTOM,
	    .syntax = "COUNT/s per_address [burst COUNT] | off",
	    .preset = "off", ARGS(1, 4), .set = bt_set_limit_rate,
	    .help = "New connections, and requests, that one client address "
		    "may make in a second, after a burst (of a second's worth "
		    "when none is given); connections past it are reset, "
		    "requests are answered with 429.",
	    .example = "limit_rate 50/s per_address burst 200;",
	    .nginx = " limit_req limit_req_zone " },
	{ .name = "trusted_proxies", .where = BT_IN_MAIN,
	    .type = BT_TYPE_CUSTOM, .syntax = "ADDRESS | BLOCK | unix: ... | off",
	    .preset = "off", ARGS(1, BT_ARGS_ANY),
	    .set = bt_set_trusted_proxies,
	    .help = "Proxies in front of baton: what they say in "
		    "X-Forwarded-For is the client's address, for logs, allow, "
		    "deny and limit_rate.",
	    .example = "trusted_proxies 10.0.0.0/8 2001:db8::1;",
	    .nginx = " set_real_ip_from real_ip_header real_ip_recursive " },
	{ .name = "resolver", .where = BT_IN_MAIN, .type = BT_TYPE_CUSTOM,
	    .syntax = "ADDRESS ... | system", .preset = "system",
	    ARGS(1, RESOLVERS_MAX), .set = bt_set_resolver,
	    .help = "The DNS servers that are asked for names of upstreams; "
		    "system is what /etc/resolv.conf has.",
	    .example = "resolver 10.0.0.2 [2001:db8::1]:5353;",
	    .nginx = " resolver_timeout " },
	{ .name = "worker_max_requests", .where = BT_IN_MAIN,
	    .type = BT_TYPE_COUNT, .syntax = "COUNT | off", .preset = "off",
	    .special = "off", .min = 1, .max = 1000000000, ARGS(1, 1),
	    .field = FIELD(worker_max_requests),
	    .help = "Replace a worker that has answered so many requests, or "
		    "by chance up to an eighth less.",
	    .example = "worker_max_requests 1000000;" },
	{ .name = "worker_max_memory", .where = BT_IN_MAIN,
	    .type = BT_TYPE_SIZE, .syntax = "SIZE | off", .preset = "off",
	    .special = "off", .min = 1024 * 1024,
	    .max = (uint64_t)1024 * 1024 * 1024 * 1024, ARGS(1, 1),
	    .field = FIELD(worker_max_memory),
	    .help = "Replace a worker whose own memory has grown to this.",
	    .example = "worker_max_memory 512m;" },
	{ .name = "worker_timeout", .where = BT_IN_MAIN,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "30s",
	    .min = SECOND, .max = HOUR, ARGS(1, 1),
	    .field = FIELD(worker_timeout_ms),
	    .help = "Ends and replaces a worker whose loop has not turned for "
		    "so long; after 500 ms already it gets nothing new.",
	    .example = "worker_timeout 1m;" },
	{ .name = "crash_rescue", .where = BT_IN_MAIN, .type = BT_TYPE_CHOICE,
	    .syntax = "off | on", .preset = "on", .choices = off_or_on,
	    ARGS(1, 1), .field = FIELD(crash_rescue),
	    .help = "Whether connections outlive a worker that dies: each "
		    "worker then has a guard, a process that deals the idle "
		    "ones again.",
	    .example = "crash_rescue off;" },
	{ .name = "offload_threads", .where = BT_IN_MAIN, .type = BT_TYPE_COUNT,
	    .syntax = "COUNT", .preset = "2", .min = 1, .max = 64, ARGS(1, 1),
	    .field = FIELD(offload_threads),
	    .help = "Threads of each worker for work that may block.",
	    .example = "offload_threads 4;", .nginx = " thread_pool aio " },
	{ .name = "slow_callback", .where = BT_IN_MAIN,
	    .type = BT_TYPE_DURATION, .syntax = "TIME | off",
	    .preset = "100ms", .special = "off", .min = 1, .max = HOUR,
	    ARGS(1, 1), .field = FIELD(slow_callback_ms),
	    .help = "A function of an application that holds up its worker for "
		    "so long is logged, once, and counted.",
	    .example = "slow_callback 20ms;" },
	{ .name = "drain_timeout", .where = BT_IN_MAIN,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "30s",
	    .min = 10, .max = DAY, ARGS(1, 1), .field = FIELD(drain_timeout_ms),
	    .help = "How long a worker that stops, or leaves at a reload, may "
		    "take to finish what is in flight.",
	    .example = "drain_timeout 2m;",
	    .nginx = " worker_shutdown_timeout " },
	{ .name = "header_timeout", .where = BT_IN_MAIN,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "10s",
	    .min = 10, .max = HOUR, ARGS(1, 1),
	    .field = FIELD(header_timeout_ms),
	    .help = "Time for a whole request head to arrive, from its first "
		    "byte; then 408.",
	    .example = "header_timeout 5s;",
	    .nginx = " client_header_timeout " },
	{ .name = "body_timeout", .where = BT_IN_MAIN, .type = BT_TYPE_DURATION,
	    .syntax = "TIME", .preset = "30s", .min = 10, .max = HOUR,
	    ARGS(1, 1), .field = FIELD(body_timeout_ms),
	    .help = "Time between two pieces of a request's content; then 408.",
	    .example = "body_timeout 1m;", .nginx = " client_body_timeout " },
	{ .name = "send_timeout", .where = BT_IN_MAIN, .type = BT_TYPE_DURATION,
	    .syntax = "TIME", .preset = "30s", .min = 10, .max = HOUR,
	    ARGS(1, 1), .field = FIELD(send_timeout_ms),
	    .help = "Time in which a client takes nothing of its answer; then "
		    "the connection is reset.",
	    .example = "send_timeout 10s;" },
	{ .name = "min_body_rate", .where = BT_IN_MAIN, .type = BT_TYPE_RATE,
	    .syntax = "SIZE/s | off", .preset = "240/s", .special = "off",
	    .min = 1, .max = 1024 * 1024, ARGS(1, 1),
	    .field = FIELD(min_body_rate),
	    .help = "The least that a client has to send of a request's "
		    "content, on average over any body_timeout; then 408.",
	    .example = "min_body_rate 1k/s;" },
	{ .name = "min_send_rate", .where = BT_IN_MAIN, .type = BT_TYPE_RATE,
	    .syntax = "SIZE/s | off", .preset = "240/s", .special = "off",
	    .min = 1, .max = 1024 * 1024, ARGS(1, 1),
	    .field = FIELD(min_send_rate),
	    .help = "The least that a client has to take of what waits for it, "
		    "on average over any send_timeout; then the connection is "
		    "reset.",
	    .example = "min_send_rate off;" },
	{ .name = "keepalive_timeout", .where = BT_IN_MAIN,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "75s",
	    .min = 10, .max = DAY, ARGS(1, 1),
	    .field = FIELD(keepalive_timeout_ms),
	    .help = "How long a connection is kept without a request.",
	    .example = "keepalive_timeout 15s;" },
	{ .name = "keepalive_requests", .where = BT_IN_MAIN,
	    .type = BT_TYPE_COUNT, .syntax = "COUNT", .preset = "100000",
	    .min = 1, .max = 1000000000, ARGS(1, 1),
	    .field = FIELD(keepalive_requests),
	    .help = "Requests on one connection before it is closed; 1 turns "
		    "keep-alive off.",
	    .example = "keepalive_requests 1000;" },
	{ .name = "max_header_size", .where = BT_IN_MAIN, .type = BT_TYPE_SIZE,
	    .syntax = "SIZE", .preset = "16k", .min = BT_CONF_HEADER_BYTES_MIN,
	    .max = BT_CONF_HEADER_BYTES_MAX, ARGS(1, 1),
	    .field = FIELD(max_header_bytes),
	    .help = "Bytes of a request head, request line and fields; more "
		    "is answered with 431, or 414.",
	    .example = "max_header_size 32k;",
	    .nginx = " client_header_buffer_size "
		     "large_client_header_buffers " },
	{ .name = "include", .where = ANYWHERE, .type = BT_TYPE_INCLUDE,
	    .syntax = "FILE | PATTERN", ARGS(1, 1), .repeats = true,
	    .help = "Reads another file, or all that match a pattern of the "
		    "shell, in its place.",
	    .example = "include sites/*.conf;" },
	{ .name = "server", .where = BT_IN_MAIN, .type = BT_TYPE_BLOCK,
	    .syntax = "{ ... }", ARGS(0, 0), .repeats = true,
	    .set = bt_set_server, .opens = BT_IN_SERVER,
	    .help = "A server: addresses, names, and routes.",
	    .example = "server { listen 8080; route / { echo; } }" },
	{ .name = "listen", .where = BT_IN_SERVER, .type = BT_TYPE_CUSTOM,
	    .syntax = "ADDRESS [backlog=COUNT] [deferred] [default_server] "
		      "[proxy_protocol]",
	    .preset = "*:80", ARGS(1, 5), .repeats = true, .set = bt_set_listen,
	    .help = "An address that the server is reached at.",
	    .example = "listen 127.0.0.1:8080 backlog=1024;" },
	{ .name = "name", .where = BT_IN_SERVER, .type = BT_TYPE_CUSTOM,
	    .syntax = "HOST ...", ARGS(1, BT_ARGS_ANY), .repeats = true,
	    .set = bt_set_name,
	    .help = "Names that the server answers to; *.HOST is every name "
		    "below HOST.",
	    .example = "name example.org *.example.org;",
	    .nginx = " server_name " },
	{ .name = "route", .where = BT_IN_SERVER, .type = BT_TYPE_BLOCK,
	    .syntax = "[=] PATH { ... }", ARGS(1, 2), .repeats = true,
	    .set = bt_set_route, .opens = BT_IN_ROUTE,
	    .help = "What is answered below PATH, or with = at just this path.",
	    .example = "route = /hello { return 200 \"hello, world\\n\"; }",
	    .nginx = " location " },
	{ .name = "root", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "FOLDER", ARGS(1, 1), .handler = true, .set = bt_set_root,
	    .help = "Answers with the files of a folder.",
	    .example = "root /var/www/html;", .nginx = " alias " },
	{ .name = "index", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "FILE ...", .preset = "index.html", ARGS(1, 16),
	    .set = bt_set_index,
	    .help = "With root: the files that stand for their folder, the "
		    "first that is there.",
	    .example = "index index.html index.htm;" },
	{ .name = "try_files", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "PATH ... [=STATUS]", ARGS(1, 16),
	    .set = bt_set_try_files,
	    .help = "With root: the files that may answer, beneath it, the "
		    "first that is there; one that ends in / is a folder, and "
		    "where none is it is STATUS, or 404.",
	    .example = "try_files $uri $uri/ /index.html;" },
	{ .name = "return", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "STATUS [TEXT]", ARGS(1, 2), .handler = true,
	    .set = bt_set_return,
	    .help = "Answers with a status and a text, which may have "
		    "variables.",
	    .example = "return 200 \"hello, world\\n\";" },
	{ .name = "redirect", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "301 | 302 | 303 | 307 | 308 TARGET", ARGS(2, 2),
	    .handler = true, .set = bt_set_redirect,
	    .help = "Sends the client to another place, which may have "
		    "variables.",
	    .example = "redirect 301 https://example.org$request_uri;",
	    .nginx = " rewrite " },
	{ .name = "echo", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "", ARGS(0, 0), .handler = true, .set = bt_set_echo,
	    .help = "Answers with the content of the request.",
	    .example = "echo;" },
	{ .name = "app", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "FILE [{ NAME VALUE; ... }]", ARGS(1, 1),
	    .handler = true, .may_open = true, .set = bt_set_app,
	    .help = "Answers by an application, a shared object (baton-app(3)); "
		    "what its block may have is for that to say.",
	    .example = "app /usr/lib/baton/multiply.so;" },
	{ .name = "metrics", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "", ARGS(0, 0), .handler = true, .set = bt_set_metrics,
	    .help = "Answers with the counters, as Prometheus reads them.",
	    .example = "metrics;", .nginx = " stub_status " },
	{ .name = "status", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "", ARGS(0, 0), .handler = true, .set = bt_set_status,
	    .help = "Answers with the state of master and workers, for people.",
	    .example = "status;" },
	{ .name = "allow", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "ADDRESS | BLOCK | unix: | all", ARGS(1, 1),
	    .repeats = true, .set = bt_set_access,
	    .help = "Lets clients in; the first of allow and deny that has "
		    "the client decides.",
	    .example = "allow 192.0.2.0/24;" },
	{ .name = "deny", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "ADDRESS | BLOCK | unix: | all", ARGS(1, 1),
	    .repeats = true, .set = bt_set_access,
	    .help = "Answers clients with 403.",
	    .example = "deny all;" },
	{ .name = "basic_auth", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "REALM FILE | off", .preset = "off", ARGS(1, 2),
	    SCOPE(auth), .set = bt_set_basic_auth,
	    .help = "Asks for a name and a password, which FILE has as "
		    "htpasswd -B writes it; others get 401.",
	    .example = "basic_auth \"staff only\" /etc/baton/htpasswd;",
	    .nginx = " auth_basic auth_basic_user_file " },
	{ .name = "add_header", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "NAME VALUE [always]", ARGS(2, 3), .repeats = true,
	    .set = bt_set_field,
	    .help = "Adds a field to answers of status 200, 201, 204, 206, "
		    "301 to 304, 307 and 308; with always, to all.",
	    .example = "add_header Cache-Control max-age=3600;" },
	{ .name = "cache_control", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "DIRECTIVE ... | off", .preset = "off",
	    ARGS(1, 16), SCOPE(cache_control), .set = bt_set_cache_control,
	    .help = "Says in Cache-Control how long answers may be kept: "
		    "those that add_header adds to, unless they say it "
		    "themselves.",
	    .example = "cache_control max-age=1h, public;",
	    .nginx = " expires " },
	{ .name = "error_page", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "STATUS ... [=STATUS] PATH", ARGS(2, 64),
	    .repeats = true, .set = bt_set_error_page,
	    .help = "What the server has at PATH stands for errors of that "
		    "status.",
	    .example = "error_page 500 502 503 504 /50x.html;" },
	{ .name = "max_body_size", .where = ANYWHERE, .type = BT_TYPE_SIZE,
	    .syntax = "SIZE", .preset = "1m", .min = 0,
	    .max = (uint64_t)1024 * 1024 * 1024 * 1024 * 1024, ARGS(1, 1),
	    SCOPE(max_body_bytes),
	    .help = "Bytes of a request's content; more is answered with 413. "
		    "0 is no bound.",
	    .example = "max_body_size 20m;",
	    .nginx = " client_max_body_size " },
	{ .name = "file_cache_valid", .where = ANYWHERE,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "1s",
	    .min = 0, .max = DAY, ARGS(1, 1), SCOPE(file_cache_valid_ms),
	    .help = "How long a file that was found, or the folder of root, is "
		    "taken to be unchanged; 0 looks at every request.",
	    .example = "file_cache_valid 10s;",
	    .nginx = " open_file_cache_valid open_file_cache " },
	{ .name = "precompressed", .where = ANYWHERE, .type = BT_TYPE_CHOICE,
	    .syntax = "off | on", .preset = "on", .choices = off_or_on,
	    ARGS(1, 1), SCOPE(precompressed),
	    .help = "With root: sends FILE.br, FILE.zst or FILE.gz for FILE to "
		    "clients that take it, unless it is older than FILE.",
	    .example = "precompressed off;", .nginx = " gzip_static brotli_static " },
	{ .name = "dotfiles", .where = ANYWHERE, .type = BT_TYPE_CHOICE,
	    .syntax = "off | on", .preset = "off", .choices = off_or_on,
	    ARGS(1, 1), SCOPE(dotfiles),
	    .help = "With root: whether names that begin with a dot are "
		    "served; /.well-known/ always is.",
	    .example = "dotfiles on;" },
	{ .name = "autoindex", .where = ANYWHERE, .type = BT_TYPE_CHOICE,
	    .syntax = "off | on", .preset = "off", .choices = off_or_on,
	    ARGS(1, 1), SCOPE(autoindex),
	    .help = "With root: answers with a listing for a folder that has "
		    "no index; 403 otherwise.",
	    .example = "autoindex on;" },
	{ .name = "gzip", .where = ANYWHERE, .type = BT_TYPE_CHOICE,
	    .syntax = "off | on", .preset = "off", .choices = off_or_on,
	    ARGS(1, 1), SCOPE(gzip),
	    .help = "Compresses answers of up to 1 MiB, on offload threads, "
		    "for clients that take it.",
	    .example = "gzip on;" },
	{ .name = "gzip_min_size", .where = ANYWHERE, .type = BT_TYPE_SIZE,
	    .syntax = "SIZE", .preset = "1k", .min = 1, .max = 1024 * 1024,
	    ARGS(1, 1), SCOPE(gzip_min_bytes),
	    .help = "Answers with less content are not compressed.",
	    .example = "gzip_min_size 4k;", .nginx = " gzip_min_length " },
	{ .name = "gzip_types", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "TYPE ...",
	    .preset = "text/* application/json application/javascript "
		      "application/xml application/xhtml+xml "
		      "application/rss+xml application/atom+xml "
		      "application/manifest+json application/geo+json "
		      "application/wasm image/svg+xml",
	    ARGS(1, 64), SCOPE(gzip_types), .set = bt_set_gzip_types,
	    .help = "The media types that are compressed; TYPE/* is all of "
		    "TYPE.",
	    .example = "gzip_types text/* application/json;" },
	{ .name = "continuations", .where = ANYWHERE, .type = BT_TYPE_CUSTOM,
	    .syntax = "[url [SIZE],] [memory SIZE,] "
		      "[disk FOLDER [SIZE [COUNT]]] | off",
	    .preset = "url 2k, memory 16m", ARGS(1, BT_ARGS_ANY),
	    .set = bt_set_continuations,
	    .help = "Where the suspended conversations of applications are: the "
		    "first that can take one does. In the URL, sealed, when "
		    "its token has no more than SIZE; in memory that the "
		    "workers share; in files of a folder.",
	    .example = "continuations url 2k, disk /var/lib/baton/continuations;" },
	{ .name = "continuation_lifetime", .where = ANYWHERE,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "1h",
	    .min = SECOND, .max = INT64_C(365) * DAY, ARGS(1, 1),
	    SCOPE(continuation_lifetime_ms),
	    .help = "How long a suspended conversation can be resumed, when its "
		    "application does not say.",
	    .example = "continuation_lifetime 1d;" },
	{ .name = "continuation_keys", .where = BT_IN_MAIN,
	    .type = BT_TYPE_CUSTOM, .syntax = "FILE | off", .preset = "off",
	    ARGS(1, 1), .set = bt_set_continuation_keys,
	    .help = "Keys that seal continuations, one a line, 32 bytes as "
		    "base64: the first one seals, all of them open. Without, "
		    "a random key is used until baton stops.",
	    .example = "continuation_keys /etc/baton/continuation.keys;" },
	{ .name = "proxy", .where = BT_IN_ROUTE, .type = BT_TYPE_CUSTOM,
	    .syntax = "URL | unix:PATH | UPSTREAM [{ ... }]",
	    ARGS(1, 1), .opens = BT_IN_PROXY, .handler = true, .may_open = true,
	    .set = bt_set_proxy,
	    .help = "Hands requests to another server, at http://HOST:PORT or "
		    "those of an upstream; a path behind that takes the place of "
		    "the route's.",
	    .example = "proxy http://127.0.0.1:9000 { try_duration 30s; }",
	    .nginx = " proxy_pass " },
	{ .name = "connect_timeout", .where = BT_IN_PROXY,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "5s",
	    .min = 1, .max = HOUR, ARGS(1, 1), PROXY(connect_timeout_ms),
	    .help = "How long the other server may take to accept; then the "
		    "next one is tried, or the answer is 504.",
	    .example = "connect_timeout 2s;",
	    .nginx = " proxy_connect_timeout " },
	{ .name = "read_timeout", .where = BT_IN_PROXY,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "60s",
	    .min = 1, .max = DAY, ARGS(1, 1), PROXY(read_timeout_ms),
	    .help = "How long the other server may say nothing while its answer "
		    "is waited for, or take nothing of a request; then the "
		    "answer is 504, or cut where it had begun.",
	    .example = "read_timeout 5m;",
	    .nginx = " proxy_read_timeout proxy_send_timeout " },
	{ .name = "tunnel_timeout", .where = BT_IN_PROXY,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "1h",
	    .min = 1, .max = 7 * DAY, ARGS(1, 1), PROXY(tunnel_timeout_ms),
	    .help = "How long nothing may pass, either way, through a "
		    "connection whose server has switched protocols "
		    "(WebSocket); then it is closed.",
	    .example = "tunnel_timeout 10m;" },
	{ .name = "try_duration", .where = BT_IN_PROXY,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "10s",
	    .min = 0, .max = HOUR, ARGS(1, 1), PROXY(try_duration_ms),
	    .help = "How long a request waits while no server can be connected "
		    "to; 0 tries each once.",
	    .example = "try_duration 30s;",
	    .nginx = " proxy_next_upstream_timeout " },
	{ .name = "try_interval", .where = BT_IN_PROXY,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "50ms",
	    .min = 1, .max = 60 * SECOND, ARGS(1, 1), PROXY(try_interval_ms),
	    .help = "How often one of those that wait tries to connect.",
	    .example = "try_interval 10ms;" },
	{ .name = "buffering", .where = BT_IN_PROXY, .type = BT_TYPE_CHOICE,
	    .syntax = "on | off", .preset = "off", .choices = off_or_on,
	    ARGS(1, 1), PROXY(buffers),
	    .help = "Takes answers as fast as the other server gives them, "
		    "into memory and then an unlinked file in /var/tmp of up "
		    "to 1 GiB, so that a slow client does not keep it busy.",
	    .example = "buffering on;",
	    .nginx = " proxy_buffering " },
	{ .name = "send_proxy_protocol", .where = BT_IN_PROXY,
	    .type = BT_TYPE_CHOICE, .syntax = "off | v1 | v2", .preset = "off",
	    .choices = proxy_versions, ARGS(1, 1), PROXY(send_proxy),
	    .help = "Begins each connection to the other server with a header "
		    "of the PROXY protocol that names the client; such "
		    "connections are not kept.",
	    .example = "send_proxy_protocol v2;",
	    .nginx = " proxy_protocol " },
	{ .name = "map_back", .where = BT_IN_PROXY, .type = BT_TYPE_CHOICE,
	    .syntax = "on | off", .preset = "on", .choices = off_or_on,
	    ARGS(1, 1), PROXY(maps_back),
	    .help = "Maps Location, Content-Location and the Path of cookies "
		    "from the other server's address and path to those that "
		    "its clients ask for.",
	    .example = "map_back off;",
	    .nginx = " proxy_redirect proxy_cookie_path " },
	{ .name = "set_header", .where = BT_IN_PROXY, .type = BT_TYPE_CUSTOM,
	    .syntax = "NAME VALUE", ARGS(2, 2), .repeats = true,
	    .set = bt_set_request_field,
	    .help = "Sets a field of requests, in the place of the client's or "
		    "of baton's own; an empty value removes it.",
	    .example = "set_header X-Real-IP $remote_addr;",
	    .nginx = " proxy_set_header " },
	{ .name = "hide_header", .where = BT_IN_PROXY, .type = BT_TYPE_CUSTOM,
	    .syntax = "NAME ...", ARGS(1, 64), .repeats = true,
	    .set = bt_set_hidden,
	    .help = "Removes fields of the other server's answers; add_header "
		    "may put others in their place.",
	    .example = "hide_header X-Powered-By;",
	    .nginx = " proxy_hide_header " },
	{ .name = "upstream", .where = BT_IN_MAIN, .type = BT_TYPE_BLOCK,
	    .syntax = "NAME { ... }", ARGS(1, 1), .repeats = true,
	    .opens = BT_IN_UPSTREAM, .set = bt_set_upstream,
	    .help = "Servers that a proxy can name as one.",
	    .example = "upstream app { server 10.0.0.2:9000; }",
	    .nginx = " upstream " },
	{ .name = "server", .where = BT_IN_UPSTREAM, .type = BT_TYPE_CUSTOM,
	    .syntax = "HOST:PORT | unix:PATH [weight=COUNT] "
		      "[backup]",
	    ARGS(1, 3), .repeats = true, .set = bt_set_origin,
	    .help = "One of its servers; a backup is asked while all others are "
		    "down.",
	    .example = "server 10.0.0.2:9000 weight=2;" },
	{ .name = "keepalive", .where = BT_IN_UPSTREAM, .type = BT_TYPE_COUNT,
	    .syntax = "COUNT | off", .special = "off", .preset = "64",
	    .min = 1, .max = 65536, ARGS(1, 1), UPSTREAM(keepalive),
	    .help = "Idle connections that each worker keeps to each server.",
	    .example = "keepalive 256;" },
	{ .name = "idle_timeout", .where = BT_IN_UPSTREAM,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "60s",
	    .min = 1, .max = DAY, ARGS(1, 1), UPSTREAM(keepalive_timeout_ms),
	    .help = "How long one of these is kept.",
	    .example = "idle_timeout 4s;" },
	{ .name = "balance", .where = BT_IN_UPSTREAM, .type = BT_TYPE_CHOICE,
	    .syntax = "round_robin | least_connections | hash_address | "
		      "hash_uri",
	    .preset = "round_robin", .choices = balances, ARGS(1, 1),
	    UPSTREAM(balance),
	    .help = "Which of the servers gets the next request: each in turn, "
		    "the one that the worker has asked least just now, or always "
		    "the same one for a client's address or a path and query.",
	    .example = "balance hash_address;", .nginx = " ip_hash hash " },
	{ .name = "fall", .where = BT_IN_UPSTREAM, .type = BT_TYPE_COUNT,
	    .syntax = "COUNT", .preset = "1", .min = 1, .max = 1000,
	    ARGS(1, 1), UPSTREAM(fall),
	    .help = "After so many failures in a row, of requests or of "
		    "checks, others are asked before that server.",
	    .example = "fall 3;", .nginx = " max_fails " },
	{ .name = "rise", .where = BT_IN_UPSTREAM, .type = BT_TYPE_COUNT,
	    .syntax = "COUNT", .preset = "1", .min = 1, .max = 1000,
	    ARGS(1, 1), UPSTREAM(rise),
	    .help = "After so many good checks in a row it is asked as before.",
	    .example = "rise 2;" },
	{ .name = "fail_timeout", .where = BT_IN_UPSTREAM,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "10s",
	    .min = 1, .max = HOUR, ARGS(1, 1), UPSTREAM(fail_timeout_ms),
	    .help = "How long others are asked before a server that requests "
		    "found down; that is forgotten as soon as it answers.",
	    .example = "fail_timeout 2s;", .nginx = " fail_timeout " },
	{ .name = "slow_start", .where = BT_IN_UPSTREAM,
	    .type = BT_TYPE_DURATION, .syntax = "TIME", .preset = "0s",
	    .min = 0, .max = HOUR, ARGS(1, 1), UPSTREAM(slow_start_ms),
	    .help = "In that time the share of a server that was down grows "
		    "to its whole weight.",
	    .example = "slow_start 30s;", .nginx = " slow_start " },
	{ .name = "hold_requests", .where = BT_IN_UPSTREAM,
	    .type = BT_TYPE_COUNT, .syntax = "COUNT", .preset = "10000",
	    .min = 1, .max = 1000 * 1000, ARGS(1, 1), UPSTREAM(hold_requests),
	    .help = "So many requests of each worker wait for a server at "
		    "once; others are answered with 503 and Retry-After.",
	    .example = "hold_requests 500;" },
	{ .name = "hold_bytes", .where = BT_IN_UPSTREAM, .type = BT_TYPE_SIZE,
	    .syntax = "SIZE", .preset = "0", .min = 0,
	    .max = (uint64_t)1024 * 1024 * 1024 * 1024, ARGS(1, 1),
	    UPSTREAM(hold_bytes),
	    .help = "So much of the contents of these, in each worker, is taken "
		    "while they wait: of each up to 512 KiB in memory, the rest "
		    "in an unlinked file in /var/tmp of up to 1 GiB. What is "
		    "past that waits with the clients.",
	    .example = "hold_bytes 256m;",
	    .nginx = " proxy_request_buffering " },
	{ .name = "check", .where = BT_IN_UPSTREAM, .type = BT_TYPE_CUSTOM,
	    .syntax = "PATH [every TIME]", ARGS(1, 3), .set = bt_set_check,
	    .help = "Each server is asked for the path, by one of the workers, "
		    "every 5s or as said; any status below 400 is good.",
	    .example = "check /health every 2s;", .nginx = " health_check " },
};
/* clang-format on */

const unsigned bt_directives_n =
    sizeof(bt_directives) / sizeof(bt_directives[0]);

_Static_assert(
    sizeof(bt_directives) / sizeof(bt_directives[0]) < BT_DIRECTIVES_MAX,
    "frames have a place for each row");

const struct bt_directive *
bt_directive_find(struct bt_str name)
{
	for (unsigned i = 0; i < bt_directives_n; i++)
		if (bt_str_equal(name, bt_str_of(bt_directives[i].name)))
			return &bt_directives[i];
	return NULL;
}

const struct bt_directive *
bt_directive_find_in(struct bt_str name, unsigned where)
{
	const struct bt_directive *first = bt_directive_find(name);

	if (first == NULL || (first->where & where) != 0)
		return first;
	for (unsigned i = 0; i < bt_directives_n; i++)
		if ((bt_directives[i].where & where) != 0 &&
		    bt_str_equal(name, bt_str_of(bt_directives[i].name)))
			return &bt_directives[i];
	return first;
}

const struct bt_directive *
bt_directive_named(const char *name)
{
	return bt_directive_find(bt_str_of(name));
}

const struct bt_directive *
bt_directive_from_nginx(struct bt_str name)
{
	char word[66];

	if (name.n == 0 || name.n > sizeof(word) - 3 ||
	    memchr(name.p, ' ', name.n) || memchr(name.p, '\0', name.n))
		return NULL;
	snprintf(word, sizeof(word), " %.*s ", BT_STR_ARG(name));
	for (unsigned i = 0; i < bt_directives_n; i++)
		if (bt_directives[i].nginx != NULL &&
		    strstr(bt_directives[i].nginx, word) != NULL)
			return &bt_directives[i];
	return NULL;
}

enum { WORD_MAX = 32 };

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * How many letters are to be changed, added, dropped, or swapped with their
 * neighbour (optimal string alignment), case aside; UINT_MAX: too long.
 */
static unsigned
edit_distance(struct bt_str a, struct bt_str b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return (unsigned)-1;
	for (unsigned j = 0; j <= b.n; j++)
		before[j] = above[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			char ca = bt_lower(a.p[i - 1]),
			     cb = bt_lower(b.p[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1,
			    above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == bt_lower(b.p[j - 2]) &&
			    bt_lower(a.p[i - 2]) == cb &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.n];
}

/* Near enough to offer: a third of the letters may be wrong, one at least. */
static bool
is_near(struct bt_str word, unsigned distance)
{
	return distance <= (word.n < 6 ? 1 : word.n / 3) && distance < word.n;
}

/* Their distance is not below the difference of their lengths. */
static bool
may_be_near(struct bt_str word, struct bt_str name)
{
	return is_near(word,
	    (unsigned)(word.n > name.n ? word.n - name.n : name.n - word.n));
}

const struct bt_directive *
bt_directive_nearest(struct bt_str name, unsigned where)
{
	const struct bt_directive *best = NULL;
	unsigned least = 0;

	for (unsigned i = 0; i < bt_directives_n; i++) {
		const struct bt_directive *d = &bt_directives[i];
		unsigned distance;

		if (!may_be_near(name, bt_str_of(d->name)))
			continue;
		distance = edit_distance(name, bt_str_of(d->name));
		if (!is_near(name, distance))
			continue;
		distance = 2 * distance + ((d->where & where) == 0);
		if (best == NULL || distance < least) {
			best = d;
			least = distance;
		}
	}
	return best;
}

const struct bt_directive *
bt_directive_guess_block(struct bt_str name)
{
	const struct bt_directive *d = bt_directive_from_nginx(name);

	if (d == NULL)
		d = bt_directive_nearest(name, BT_IN_MAIN | BT_IN_SERVER);
	return d != NULL && d->opens != 0 ? d : NULL;
}

const char *
bt_word_nearest(struct bt_str word, const char *const *words, size_t n)
{
	const char *best = NULL;
	unsigned least = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned distance = edit_distance(word, bt_str_of(words[i]));

		if (is_near(word, distance) &&
		    (best == NULL || distance < least)) {
			best = words[i];
			least = distance;
		}
	}
	return best;
}

const char *
bt_where_format(unsigned where, char *out, size_t size)
{
	static const char *const names[] = { "main", "server", "route", "proxy",
		"upstream" };
	unsigned rest = where;
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < 5 && n < size; i++) {
		if ((where & (1u << i)) == 0)
			continue;
		rest &= ~(1u << i);
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    n == 0          ? ""
			: rest == 0 ? " or "
				    : ", ",
		    names[i]);
	}
	return out;
}

const char *
bt_directive_format(
    const struct bt_directive *d, uint64_t value, char *out, size_t size)
{
	char text[BT_VALUE_TEXT_MAX];

	if (d->type == BT_TYPE_DURATION)
		bt_value_format_duration(value, text);
	else if (d->type == BT_TYPE_SIZE)
		bt_value_format_size(value, text);
	else if (d->type == BT_TYPE_RATE)
		bt_value_format_rate(value, text);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	snprintf(out, size, "%s", text);
	return out;
}
