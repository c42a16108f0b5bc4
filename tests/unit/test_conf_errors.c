/*
 * What a wrong conf is told: every error, each at its place, and none that
 * only follows from another.
 */

#include "conf/conf.h"

#include "conf/report.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define ERRORS_MAX 8

/* `SERVER(...)`: a server around; `ROUTE(...)`: a route that has a handler. */
#define SERVER(text) "server { " text " route / { echo; } }"
#define ROUTE(text) "server { route / { " text " } }"
#define OK_SERVER "server { route / { echo; } }"

struct row {
	const char *text;
	/* `line:column: ` and the begin of the message, in order */
	const char *errors[ERRORS_MAX];
};

/* clang-format off */
static const struct row rows[] = {
	/* unknown directives, and what may have been meant */
	{ "wrokers 4;\n" OK_SERVER,
	    { "1:1: unknown directive \"wrokers\", did you mean \"workers\"?" } },
	{ SERVER("lisen 80;"),
	    { "1:10: unknown directive \"lisen\", did you mean \"listen\"?" } },
	{ ROUTE("retrun 200;"),
	    { "1:20: unknown directive \"retrun\", did you mean \"return\"?" } },
	{ "frobnicate on;\n" OK_SERVER,
	    { "1:1: unknown directive \"frobnicate\"" } },
	{ "\"workers\" 4;" OK_SERVER,
	    { "1:1: unknown directive \"workers\", did" } },
	{ "sever { listn 80; route / { echo; } }",
	    { "1:1: unknown directive \"sever\", did you mean \"server\"?",
	      "1:9: unknown directive \"listn\", did you mean \"listen\"?" } },
	{ "server { location / { ech; } }",
	    { "1:10: unknown directive \"location\": what nginx calls so is "
	      "\"route\" here",
	      "1:23: unknown directive \"ech\", did you mean \"echo\"?" } },
	{ "worker_processes 4;" OK_SERVER,
	    { "1:1: unknown directive \"worker_processes\": what nginx calls "
	      "so is \"workers\"" } },
	{ "http { server { listen 80; } }",
	    { "1:1: unknown directive \"http\": servers stand in the file" } },
	{ "events { worker_connections 1; }" OK_SERVER,
	    { "1:1: unknown directive \"events\"" } },

	/* given twice */
	{ "workers 1;\nworkers 2;\n" OK_SERVER,
	    { "2:1: workers was already given at line 1" } },
	{ SERVER("max_body_size 1;\nmax_body_size 2;"),
	    { "2:1: max_body_size was already given at line 1" } },
	{ ROUTE("root /x; index a; index b;"),
	    { "1:38: index was already given at line 1" } },

	/* out of range, which is said */
	{ "workers 0;" OK_SERVER,
	    { "1:9: workers must be auto or from 1 to 256, not \"0\"" } },
	{ "workers 257;" OK_SERVER,
	    { "1:9: workers must be auto or from 1 to 256, not \"257\"" } },
	{ "workers 99999999999999999999;" OK_SERVER,
	    { "1:9: workers must be auto or from 1 to 256" } },
	{ "worker_timeout 500ms;" OK_SERVER,
	    { "1:16: worker_timeout must be from 1s to 1h, not \"500ms\"" } },
	{ "max_header_size 65k;" OK_SERVER,
	    { "1:17: max_header_size must be from 1k to 64k, not \"65k\"" } },
	{ "max_header_size 1023;" OK_SERVER,
	    { "1:17: max_header_size must be from 1k to 64k" } },
	{ "keepalive_timeout 0;" OK_SERVER,
	    { "1:19: keepalive_timeout must be from 10ms to 1d" } },

	/* not a value */
	{ "workers four;" OK_SERVER,
	    { "1:9: workers: expected a whole number or auto, not \"four\"" } },
	{ "worker_connections -1;" OK_SERVER,
	    { "1:20: worker_connections: expected a whole number" } },
	{ "send_timeout 5x;" OK_SERVER,
	    { "1:14: send_timeout: expected a time such as" } },
	{ "max_body_size 1kb;" OK_SERVER,
	    { "1:15: max_body_size: expected a size such as" } },
	{ "dispatch rr;" OK_SERVER,
	    { "1:10: unknown dispatch \"rr\", expected round_robin or "
	      "least_connections" } },
	{ "dispatch round_robbin;" OK_SERVER,
	    { "1:10: unknown dispatch \"round_robbin\", did you mean "
	      "\"round_robin\"?" } },
	{ "error_log stderr inf;" OK_SERVER,
	    { "1:18: unknown level \"inf\", did you mean \"info\"?" } },
	{ "error_log stderr loud;" OK_SERVER,
	    { "1:18: unknown level \"loud\", expected error, warn, info or "
	      "debug" } },
	{ "error_log off;" OK_SERVER,
	    { "1:11: error_log cannot be turned off" } },
	{ "error_log log/error.log;" OK_SERVER,
	    { "1:11: \"log/error.log\" is not an absolute path" } },
	{ "access_log access.log;" OK_SERVER,
	    { "1:12: \"access.log\" is not an absolute path" } },
	{ "access_log /a jsn;" OK_SERVER,
	    { "1:15: unknown format \"jsn\", did you mean \"json\"?" } },
	{ "access_log /a other;" OK_SERVER,
	    { "1:15: unknown format \"other\", expected combined, common or "
	      "json" } },
	{ "access_log /a mien; log_format mine $status;" OK_SERVER,
	    { "1:15: unknown format \"mien\", did you mean \"mine\"?" } },
	{ "access_log off; access_log /a;" OK_SERVER,
	    { "1:12: access_log is off, and has another line here" } },
	{ "log_format json $status;" OK_SERVER,
	    { "1:12: there is a format \"json\" already" } },
	{ "log_format a $sttaus;" OK_SERVER,
	    { "1:14: there is no variable $sttaus; did you mean $status?" } },
	{ "log_format a escape=none $status;" OK_SERVER,
	    { "1:14: unknown option \"escape=none\"" } },
	{ "log_format a escape=json;" OK_SERVER,
	    { "1:14: \"escape=json\" is not followed by a text" } },
	{ "log_format a \"x\\ny\";" OK_SERVER,
	    { "1:14: a format is one line, it has no \\n" } },
	{ "log_format a \"x\\$y\";" OK_SERVER,
	    { "1:14: a format has no \\$" } },
	{ "server { log_format a $status; route / { echo; } }",
	    { "1:10: log_format cannot stand in a server, only in main" } },
	{ "server { route / { redirect 301 /$status; } }",
	    { "1:33: $status is known when the answer is over, in "
	      "log_format" } },
	{ "error_log syslog:x;" OK_SERVER,
	    { "1:11: syslog: is followed by the path of a socket" } },
	{ "access_log off combined;" OK_SERVER,
	    { "1:16: access_log off takes no format" } },
	{ "limit_connections 5;" OK_SERVER,
	    { "1:19: limit_connections: per_address is missing behind" } },
	{ "limit_connections 5 per_server;" OK_SERVER,
	    { "1:21: unknown scope \"per_server\", expected per_address" } },
	{ "limit_connections 0 per_address;" OK_SERVER,
	    { "1:19: limit_connections must be from 1 to 1000000" } },
	{ "limit_connections many per_address;" OK_SERVER,
	    { "1:19: limit_connections: expected a number, such as 100, not" } },
	{ "limit_connections off per_address;" OK_SERVER,
	    { "1:23: limit_connections off takes nothing more" } },
	{ "limit_rate 5 per_address;" OK_SERVER,
	    { "1:12: limit_rate: expected a number and /s, such as 100/s" } },
	{ "limit_rate /s per_address;" OK_SERVER,
	    { "1:12: limit_rate: expected a number and /s" } },
	{ "limit_rate 1000001/s per_address;" OK_SERVER,
	    { "1:12: limit_rate must be from 1 to 1000000" } },
	{ "limit_rate 99999999999999999999/s per_address;" OK_SERVER,
	    { "1:12: limit_rate must be from 1 to 1000000" } },
	{ "limit_rate 5/s per_adress;" OK_SERVER,
	    { "1:16: unknown scope \"per_adress\", did you mean "
	      "\"per_address\"?" } },
	{ "limit_rate 5/s per_address burst;" OK_SERVER,
	    { "1:28: limit_rate: expected burst and a number" } },
	{ "limit_rate 5/s per_address brust 5;" OK_SERVER,
	    { "1:28: limit_rate: expected burst and a number" } },
	{ "limit_rate 5/s per_address burst 0;" OK_SERVER,
	    { "1:34: limit_rate must be from 1 to 1000000" } },
	{ "pid_file run/pid;" OK_SERVER,
	    { "1:10: \"run/pid\" is not an absolute path" } },
	{ "pid_file \"/a\\nb\";" OK_SERVER,
	    { "1:10: a path has no control bytes" } },
	{ "user '';" OK_SERVER, { "1:6: \"\" is not a name" } },
	{ "control /2345678901234567890123456789012345678901234567890123456789"
	  "01234567890123456789012345678901234567890123456789;" OK_SERVER,
	    { "1:9: the path has 109 bytes, it may have 107" } },

	/* in the wrong place, and where they may stand */
	{ "root /x;" OK_SERVER,
	    { "1:1: root cannot stand outside of all blocks, only in route" } },
	{ SERVER("workers 4;"),
	    { "1:10: workers cannot stand in a server, only in main" } },
	{ ROUTE("echo; listen 80;"),
	    { "1:26: listen cannot stand in a route, only in server" } },
	{ "route / { ech; }",
	    { "1:1: route cannot stand outside of all blocks, only in server" } },
	{ SERVER("server { frob; }"),
	    { "1:10: server cannot stand in a server, only in main" } },
	{ SERVER("try_interval 1s;"),
	    { "1:10: try_interval cannot stand in a server, only in proxy" } },

	/* missing semicolons: at the end of their statement */
	{ "workers 4\nuser x;\n" OK_SERVER,
	    { "1:10: \";\" is missing here, at the end of \"workers\"" } },
	{ "workers 4 # four\n\n  usr x;\n" OK_SERVER,
	    { "1:10: \";\" is missing here, at the end of \"workers\"",
	      "3:3: unknown directive \"usr\", did you mean \"user\"?" } },
	{ "server {\n  name a\n  b\n  listen 80;\n  route / { echo; }\n}",
	    { "3:4: \";\" is missing here, at the end of \"name\"" } },
	{ "server {\n  listen 80\n  route / {\n    echo\n  }\n}",
	    { "2:12: \";\" is missing here, at the end of \"listen\"",
	      "4:9: \";\" is missing here, at the end of \"echo\"" } },
	{ "server { route / { echo } }",
	    { "1:24: \";\" is missing here, at the end of \"echo\"" } },
	{ OK_SERVER "\nworkers 4",
	    { "2:10: \";\" is missing here, at the end of \"workers\"" } },
	{ "workers 4 user x;" OK_SERVER,
	    { "1:11: too many arguments: workers auto | COUNT" } },
	{ "wrokers 4\nworker_timeout 2s;" OK_SERVER,
	    { "1:10: \";\" is missing here, at the end of \"wrokers\"" } },

	/* missing and surplus braces: where they were opened */
	{ "server {\n  route / { echo; }\n", { "1:8: this { is never closed" } },
	{ "server {\n  route / {\n    echo;\n}\n",
	    { "2:11: this { is never closed" } },
	{ "server {\n  route /a {\n    echo;\n  route /b { echo; }\n}\n",
	    { "2:12: this { is never closed" } },
	{ "server {\n  listen 1;\n  route / { echo; }\n"
	  "server {\n  listen 2;\n  route / { echo; }\n}\n",
	    { "1:8: this { is never closed" } },
	{ "server {\n  listen 1;\n  route / {\n    echo;\n}\n"
	  "server {\n  listen 2;\n  route / { ech; }\n}\n",
	    { "3:11: this { is never closed",
	      "8:13: unknown directive \"ech\"" } },
	{ OK_SERVER "\n}\n", { "2:1: unexpected \"}\": no block is open" } },
	{ "server\n  listen 80;\n  route / { echo; }\n}\n",
	    { "1:7: \"{\" is missing here, at the end of \"server\"" } },
	{ "server {\n  route /a\n    echo;\n  }\n  route /b { ech; }\n}\n",
	    { "2:11: \"{\" is missing here, at the end of \"route\"",
	      "5:14: unknown directive \"ech\"" } },
	{ "server;" OK_SERVER, { "1:7: server needs a block: server { ... }" } },
	{ "workers 4 { user x; }" OK_SERVER, { "1:11: workers has no block" } },
	{ "{ workers 4; }" OK_SERVER,
	    { "1:1: a directive is missing before this {" } },
	{ ";" OK_SERVER ";",
	    { "1:1: unexpected \";\"", "1:30: unexpected \";\"" } },

	/* quotes: where they were opened; the next line is read as it is */
	{ ROUTE("return 200 \"hello;\n"),
	    { "1:31: this quote is not closed on its line" } },
	{ "server { route / { return 200 'hello; }\n  wrong; }",
	    { "1:31: this quote is not closed on its line",
	      "2:3: unknown directive \"wrong\"" } },
	{ ROUTE("return 200 \"a\"b;"), { "1:34: a blank or \";\" is missing" } },
	{ ROUTE("return 200 'a\\qb';"), { "1:33: unknown escape" } },
	{ "work\x01" "ers 4;" OK_SERVER, { "1:5: control byte 0x01" } },

	/* numbers of arguments */
	{ "workers;" OK_SERVER,
	    { "1:8: too few arguments: workers auto | COUNT" } },
	{ "workers 1 2;" OK_SERVER,
	    { "1:11: too many arguments: workers auto | COUNT" } },
	{ ROUTE("echo on;"), { "1:25: too many arguments: echo takes none" } },
	{ ROUTE("redirect /x;"),
	    { "1:31: too few arguments: redirect 301 | 302" } },
	{ SERVER("name;"), { "1:14: too few arguments: name HOST ..." } },
	{ "server a { route / { echo; } }",
	    { "1:8: too many arguments: server takes none" } },

	/* proxies */
	{ ROUTE("proxy http://127.0.0.1:9000 { try_duration 30s; wrong; }"),
	    { "1:68: unknown directive \"wrong\"" } },
	{ ROUTE("proxy https://127.0.0.1:9000;"),
	    { "1:26: https:// to other servers is not built yet" } },
	{ ROUTE("proxy ws://127.0.0.1:9000;"),
	    { "1:26: \"ws://127.0.0.1:9000\": the server is named by http://" } },
	{ ROUTE("proxy 9000;"),
	    { "1:26: \"9000\": a host is missing before the port" } },
	{ ROUTE("proxy http://;"),
	    { "1:26: \"http://\": an address is missing" } },
	{ ROUTE("proxy http://a:0;"),
	    { "1:26: \"http://a:0\": the port is a number from 1 to" } },
	{ ROUTE("proxy http://a_b$/;"),
	    { "1:26: \"http://a_b$/\": the host is not a name" } },
	{ ROUTE("proxy http://a/b?c;"),
	    { "1:26: \"http://a/b?c\": such a path has no query" } },
	{ "upstream u { server h; check health; }",
	    { "1:30: \"health\": a check asks for a path" } },
	{ "upstream u { server h; check \"/h?a^\" every 2s; }",
	    { "1:30: \"/h?a^\": percent-encode" } },
	{ "upstream u { server h; check /h each 2s; }",
	    { "1:33: behind the path of a check stands: every TIME" } },
	{ "upstream u { server h; check /h every 1ms; }",
	    { "1:39: \"1ms\": a check comes every 10ms at most" } },
	{ "upstream u { server h; balance random; }",
	    { "1:32: unknown balance \"random\"" } },
	{ ROUTE("proxy http://*:80;"),
	    { "1:26: \"http://*:80\": * is no server" } },
	{ ROUTE("proxy http://h { set_header Connection ''; }"),
	    { "1:48: \"Connection\" is baton's own" } },
	{ ROUTE("proxy http://h { set_header content-length 5; }"),
	    { "1:48: \"content-length\" is baton's own" } },
	{ ROUTE("proxy http://h { set_header Transfer-Encoding x; }"),
	    { "1:48: \"Transfer-Encoding\" is baton's own" } },
	{ ROUTE("proxy http://h { set_header 'a b' c; }"),
	    { "1:48: \"a b\" is not a field name" } },
	{ ROUTE("proxy http://h { set_header a \"b\\r\\nc: d\"; }"),
	    { "1:50: a field's value has no line breaks" } },
	{ ROUTE("proxy http://h { set_header a $hots; }"),
	    { "1:50: there is no variable $hots; did you mean $host?" } },
	{ ROUTE("proxy http://h { set_header a $status; }"),
	    { "1:50: $status" } },
	{ ROUTE("proxy http://h { set_header A 1; set_header a 2; }"),
	    { "1:64: \"a\" is set here already" } },
	{ ROUTE("proxy http://h { set_header host ''; }"),
	    { "1:53: a request always has a Host" } },
	{ ROUTE("proxy http://h { hide_header a:; }"),
	    { "1:49: \"a:\" is not a field name" } },
	{ ROUTE("proxy http://h { hide_header X Upgrade; }"),
	    { "1:51: \"Upgrade\" is baton's own" } },
	{ ROUTE("proxy http://h { server h; }"),
	    { "1:37: server cannot stand in a proxy, only in main" } },
	{ "upstream u { }" OK_SERVER,
	    { "1:1: the upstream has no server" } },
	{ "upstream u { server a; } upstream u { server b; }" OK_SERVER,
	    { "1:35: there is an upstream \"u\" already" } },
	{ "upstream u { server a fast; }" OK_SERVER,
	    { "1:23: \"fast\": behind a server stand weight=COUNT" } },
	{ "upstream u { server a weight=0; }" OK_SERVER,
	    { "1:23: a weight is a number from 1 to 1000" } },
	{ ROUTE("app x.so;"), { "1:24: \"x.so\" is not an absolute path" } },
	{ ROUTE("app /x.so { a; }"),
	    { "1:32: a setting of an application is a name and a value" } },
	{ ROUTE("app /x.so { a b { } }"),
	    { "1:36: a setting of an application has no block" } },
	{ ROUTE("app /x.so { a 1; b 2; a 3; }"),
	    { "1:42: \"a\" was already given at line 1" } },
	{ SERVER("listen 443 ssl;"), { "1:21: \"ssl\" is not built yet" } },

	/* servers: addresses */
	{ "", { "1:1: there is no server" } },
	{ "workers 4;", { "1:1: there is no server" } },
	{ SERVER("listen nowhere;"), { "1:17: \"nowhere\": the port" } },
	{ SERVER("listen example.org:80;"),
	    { "1:17: \"example.org:80\": expected ADDRESS:PORT" } },
	{ SERVER("listen [::1;80];"),
	    { "1:17: \"[::1\": expected", "1:22: unknown directive \"80]\"" } },
	{ SERVER("listen 80;\nlisten *:80;"),
	    { "2:8: this server listens at \"*:80\" already, at line 1" } },
	{ SERVER("listen 80;\nlisten 127.0.0.1:80;"),
	    { "2:8: 127.0.0.1:80 cannot be bound beside 0.0.0.0:80, at "
	      "line 1" } },
	{ SERVER("listen [::1]:80;\nlisten [::]:80;"),
	    { "2:8: [::]:80 cannot be bound beside [::1]:80, at line 1" } },
	{ SERVER("listen 80 backlog=0;"),
	    { "1:20: backlog must be from 1 to 65535" } },
	{ SERVER("listen 80 backlog=x;"), { "1:20: backlog must be" } },
	{ SERVER("listen 80 defered;"),
	    { "1:20: unknown option \"defered\", did you mean \"deferred\"?" } },
	{ SERVER("listen unix:/s deferred;"),
	    { "1:25: deferred is for TCP" } },
	{ "server { listen 80 backlog=1; route / { echo; } }\n"
	  "server { listen 80 backlog=2; name a; route / { echo; } }",
	    { "2:20: this address has another backlog, at line 1" } },
	{ "server { listen 80 default_server; name a; route / { echo; } }\n"
	  "server { listen 80 default_server; name b; route / { echo; } }",
	    { "2:20: this address has a default_server already, at line 1" } },

	/* servers: names */
	{ "server { name a; route / { echo; } }\n"
	  "server { name b A; route / { echo; } }",
	    { "2:17: another server at 0.0.0.0:80 has this name, at line 1" } },
	{ SERVER("name a b a;"),
	    { "1:19: the server has this name already, at line 1" } },
	{ "server { name a; route / { echo; } }\n" OK_SERVER,
	    { "2:1: nothing reaches this server at 0.0.0.0:80: it has no name, "
	      "and the default there is the server at line 1" } },
	{ SERVER("name '';"), { "1:15: \"\": a name cannot be empty" } },
	{ SERVER("name a:80;"), { "1:15: \"a:80\": a name is written without" } },
	{ SERVER("name a..b;"), { "1:15: \"a..b\": a part of the name is" } },
	{ SERVER("name a.;"), { "1:15: \"a.\": a part of the name is empty" } },
	{ SERVER("name *.;"), { "1:15: \"*.\": a part of the name is empty" } },
	{ SERVER("name .a;"), { "1:15: \".a\": write HOST *.HOST" } },
	{ SERVER("name a.*;"), { "1:15: \"a.*\": * stands only first" } },
	{ SERVER("name ~^a$;"), { "1:15: \"~^a$\": names are not regular" } },
	{ SERVER("name a/b;"), { "1:15: \"a/b\": a name has only letters" } },
	{ SERVER("name \xc3\xa4.de;"),
	    { "1:15: \"\xc3\xa4.de\": write names in ASCII" } },
	{ SERVER("name [::g];"), { "1:15: \"[::g]\": not an IPv6 address" } },

	/* routes */
	{ "server { route /a { echo; }\nroute /a { metrics; } }",
	    { "2:7: the server has this route already, at line 1" } },
	{ "server { route = /a { echo; }\nroute = /a { ech; } }",
	    { "2:7: the server has this route already, at line 1",
	      "2:14: unknown directive \"ech\"" } },
	{ ROUTE(""), { "1:10: nothing answers on this route" } },
	{ ROUTE("allow all; max_body_size 1;"),
	    { "1:10: nothing answers on this route" } },
	{ ROUTE("echo; metrics;"),
	    { "1:26: a route has one handler; this one has echo, at line 1" } },
	{ ROUTE("echo;\necho;"),
	    { "2:1: a route has one handler; this one has echo, at line 1" } },
	{ ROUTE("echo; index a;"),
	    { "1:26: index goes with root, not with echo" } },
	{ "server { route a { echo; } }", { "1:16: \"a\": a path begins with /" } },
	{ "server { route '' { echo; } }", { "1:16: \"\": a path begins with /" } },
	{ "server { route ~ /a { echo; } }",
	    { "1:16: before its path a route may have \"=\"" } },
	{ "server { route //a { echo; } }", { "1:16: \"//a\": no request has" } },
	{ "server { route /a/../b { echo; } }",
	    { "1:16: \"/a/../b\": no request has" } },
	{ "server { route /a/. { echo; } }", { "1:16: \"/a/.\": no request" } },
	{ "server { route /a?b { echo; } }",
	    { "1:16: \"/a?b\": a route is found by the path alone" } },
	{ "server { route /a%20b { echo; } }",
	    { "1:16: \"/a%20b\": write the path decoded" } },
	{ "server { route \"/a\\n\" { echo; } }",
	    { "1:16: \"/a?\": a path has no control bytes" } },
	{ ROUTE("root www;"), { "1:25: \"www\" is not an absolute path" } },
	{ ROUTE("root /x; index a/b ..;"),
	    { "1:35: \"a/b\" is not the name of a file",
	      "1:39: \"..\" is not the name of a file" } },

	/* return */
	{ ROUTE("return 199;"), { "1:27: a status is a number from 200 to" } },
	{ ROUTE("return 600;"), { "1:27: a status is a number from 200 to" } },
	{ ROUTE("return 0200;"), { "1:27: a status is a number from 200 to" } },
	{ ROUTE("return hello;"), { "1:27: a status is a number from 200 to" } },
	{ ROUTE("return 204 x;"),
	    { "1:31: an answer of status 204 has no content" } },
	{ ROUTE("return 304 '';"),
	    { "1:31: an answer of status 304 has no content" } },
	{ ROUTE("return 301 /new;"),
	    { "1:20: return sends a text; to send clients elsewhere, write: "
	      "redirect 301 /new" } },
	{ ROUTE("return 302 \"https://a/\";"), { "1:20: return sends a text" } },
	{ ROUTE("return 200 $hots;"),
	    { "1:31: there is no variable $hots; did you mean $host?" } },
	{ ROUTE("return 200 \"${host\";"),
	    { "1:31: a } is missing behind ${" } },
	{ ROUTE("return 200 \"\\$x $host\";"),
	    { "1:31: a text with variables has no \\$ beside them" } },

	/* redirect */
	{ ROUTE("redirect 304 /;"),
	    { "1:29: a redirect is 301, 302, 303, 307 or 308, not 304" } },
	{ ROUTE("redirect 200 /;"), { "1:29: a redirect is 301, 302, 303" } },
	{ ROUTE("redirect x /;"), { "1:29: a status is a number" } },
	{ ROUTE("redirect 301 new;"),
	    { "1:33: \"new\": a target begins with /, http:// or https://" } },
	{ ROUTE("redirect 301 //evil;"),
	    { "1:33: \"//evil\": a target that begins with // names a host" } },
	{ ROUTE("redirect 301 '/\\\\evil';"),
	    { "1:33: \"/\\evil\": percent-encode" } },
	{ ROUTE("redirect 301 ftp://a/;"), { "1:33: \"ftp://a/\": a target" } },
	{ ROUTE("redirect 301 https:///a;"),
	    { "1:33: \"https:///a\": the host is missing" } },
	{ ROUTE("redirect 301 http://;"),
	    { "1:33: \"http://\": the host is missing" } },
	{ ROUTE("redirect 301 \"/a\\r\\nX: y\";"),
	    { "1:33: \"/a??X: y\": a target has no line breaks" } },
	{ ROUTE("redirect 301 '/a b';"), { "1:33: \"/a b\": percent-encode" } },
	{ ROUTE("redirect 301 /\xc3\xa4;"),
	    { "1:33: \"/\xc3\xa4\": percent-encode" } },
	{ ROUTE("redirect 301 /%2;"), { "1:33: \"/%2\": a % in a URI" } },
	{ ROUTE("redirect 301 /$1;"), { "1:33: there is no variable $1" } },
	{ ROUTE("redirect 301 /$uri;"),
	    { "1:33: \"/$uri\": a target that begins with // names a host" } },
	{ ROUTE("redirect 301 $arg_to;"),
	    { "1:33: \"$arg_to\": a target begins with /, http" } },
	{ ROUTE("redirect 301 $http_referer;"),
	    { "1:33: \"$http_referer\": a target begins with" } },
	{ ROUTE("redirect 301 https://example.org$arg_x/;"),
	    { "1:33: \"https://example.org$arg_x/\": only $host, $server_name and $server_port may" } },
	{ ROUTE("redirect 301 https://$arg_x/;"),
	    { "1:33: \"https://$arg_x/\": only $host, $server_name and $server_port may" } },
	{ ROUTE("redirect 301 https://$host$query;"),
	    { "1:33: \"https://$host$query\": only $host, $server_name and $server_port may" } },
	{ ROUTE("redirect 301 //$host/;"), { "1:33: \"//$host/\": a target that begins with //" } },
	{ ROUTE("root /x; try_files @app;"),
	    { "1:39: \"@app\": behind the paths there may be = and a status" } },
	{ ROUTE("root /x; try_files =404;"),
	    { "1:39: \"=404\": behind the paths there may be = and a status" } },
	{ ROUTE("root /x; try_files $uri =200;"),
	    { "1:44: \"=200\": behind the paths there may be = and a status" } },
	{ ROUTE("root /x; try_files =404 $uri;"),
	    { "1:39: \"=404\": behind the paths there may be = and a status" } },
	{ ROUTE("root /x; try_files index.html;"),
	    { "1:39: \"index.html\": a path begins with / or $uri" } },
	{ ROUTE("root /x; try_files $host/x;"),
	    { "1:39: \"$host/x\": a path begins with / or $uri" } },
	{ ROUTE("echo; try_files $uri;"),
	    { "1:26: try_files goes with root, not with echo" } },

	/* gzip_types */
	{ SERVER("gzip_types text;"), { "1:21: \"text\" is not a media type" } },
	{ SERVER("gzip_types text/* */*;"),
	    { "1:28: \"*/*\" is not a media type" } },
	{ SERVER("gzip_types text/a/b;"), { "1:21: \"text/a/b\" is not" } },
	{ SERVER("gzip_types 'text/a;b';"), { "1:21: \"text/a;b\" is not" } },

	/* proxy_protocol */
	{ "server { listen 80 proxy_protocol; route / { echo; } }",
	    { "1:10: proxy_protocol is taken from trusted_proxies" } },
	/* resolver */
	{ "resolver dns.example;" OK_SERVER,
	    { "1:10: \"dns.example\": a resolver is an address" } },
	{ "resolver 1.2.3.4 system;" OK_SERVER, { "1:18: \"system\": " } },
	{ "resolver 10.0.0.1:x;" OK_SERVER, { "1:10: \"10.0.0.1:x\": " } },
	/* trusted_proxies */
	{ "trusted_proxies 10.0.0.1/8;" OK_SERVER, { "1:17: \"10.0.0.1/8\": " } },
	{ "trusted_proxies ::1 all;" OK_SERVER,
	    { "1:21: a proxy is trusted by its address" } },
	{ "set_real_ip_from ::1;" OK_SERVER,
	    { "1:1: unknown directive \"set_real_ip_from\": what nginx calls so is "
	      "\"trusted_proxies\" here" } },

	/* basic_auth */
	{ SERVER("basic_auth x;"), { "1:22: too few arguments: basic_auth REALM" } },
	{ SERVER("basic_auth x y;"), { "1:23: \"y\" is not an absolute path" } },
	{ SERVER("basic_auth 'a\"b' /y;"), { "1:21: a realm has no quotes" } },
	{ SERVER("auth_basic_user_file /y;"),
	    { "1:10: unknown directive \"auth_basic_user_file\": what nginx calls "
	      "so is \"basic_auth\" here" } },

	/* cache_control, error_page */
	{ SERVER("cache_control max-age;"),
	    { "1:24: max-age needs a time, such as max-age=1h" } },
	{ SERVER("cache_control public=1;"), { "1:24: public takes no value" } },
	{ SERVER("cache_control max-age=-1;"), { "1:24: max-age: expected a time" } },
	{ SERVER("cache_control max-age=30000d;"),
	    { "1:24: max-age: no cache counts so far" } },
	{ SERVER("cache_control pubic;"),
	    { "1:24: unknown directive of Cache-Control \"pubic\", did you mean "
	      "\"public\"?" } },
	{ SERVER("cache_control \"public\\r\\nx: y\";"),
	    { "1:24: unknown directive of Cache-Control" } },
	{ SERVER("cache_control off public;"),
	    { "1:28: cache_control off takes nothing more" } },
	{ SERVER("cache_control ',';"), { "1:24: cache_control says nothing" } },
	{ SERVER("expires 1h;"),
	    { "1:10: unknown directive \"expires\": what nginx calls so is "
	      "\"cache_control\" here" } },
	{ SERVER("error_page 404 404.html;"),
	    { "1:25: \"404.html\": a path begins with /" } },
	{ SERVER("error_page 404 /a?b;"), { "1:25: \"/a?b\": a route is found" } },
	{ SERVER("error_page 200 /x;"),
	    { "1:21: expected the status of an error from 400 to 599, not "
	      "\"200\"" } },
	{ SERVER("error_page 404 =600 /x;"),
	    { "1:25: expected another status from =200 to =599, not \"=600\"" } },
	{ SERVER("error_page =200 /x;"), { "1:21: of which status?" } },
	{ SERVER("error_page 404 /x; error_page 500 404 /y;"),
	    { "1:44: 404 has an error_page here already" } },

	/* add_header, allow, deny */
	{ SERVER("add_header 'a b' c;"), { "1:21: \"a b\" is not a field name" } },
	{ SERVER("add_header a: c;"), { "1:21: \"a:\" is not a field name" } },
	{ SERVER("add_header '' c;"), { "1:21: \"\" is not a field name" } },
	{ SERVER("add_header content-length 5;"),
	    { "1:21: \"content-length\" cannot be added: baton sets that" } },
	{ SERVER("add_header Transfer-Encoding x;"),
	    { "1:21: \"Transfer-Encoding\" cannot be added" } },
	{ SERVER("add_header Connection close;"), { "1:21: \"Connection\"" } },
	{ SERVER("add_header Date x;"), { "1:21: \"Date\" cannot be added" } },
	{ SERVER("add_header Content-Type x;"), { "1:21: \"Content-Type\"" } },
	{ SERVER("add_header a \"b\\r\\nc: d\";"),
	    { "1:23: a field's value has no line breaks" } },
	{ SERVER("add_header a ' b';"), { "1:23: a field's value does not" } },
	{ SERVER("add_header a $hots;"),
	    { "1:23: there is no variable $hots; did you mean $host?" } },
	{ SERVER("add_header a $status;"),
	    { "1:23: $status is known when the answer is over" } },
	{ SERVER("add_header a b alway;"),
	    { "1:25: unknown option \"alway\", did you mean \"always\"?" } },
	{ SERVER("allow localhost;"), { "1:16: \"localhost\": expected an" } },
	{ SERVER("deny 10.0.0.1/8;"), { "1:15: \"10.0.0.1/8\": bits are set" } },
	{ SERVER("deny 10.0.0.0/33;"), { "1:15: \"10.0.0.0/33\": the prefix" } },

	/* several in one go, in the order of the text */
	{ "workers 0;\nfrob;\nserver {\n  listen x;\n  route / { return 1; }\n"
	  "  route /b { root x; }\n}\nuser '';\n",
	    { "1:9: workers must be", "2:1: unknown directive \"frob\"",
	      "4:10: \"x\": the port", "5:20: a status is a number",
	      "6:19: \"x\" is not an absolute path", "8:6: \"\" is not a name" } },
	{ "server {\n  listen 80;\n  route / { echo; }\n  name a\n}\n"
	  "server {\n  name \"b;\n  route / { ech; }\n}\nworkers 1 1;\n",
	    { "4:9: \";\" is missing", "7:8: this quote is not closed",
	      "8:13: unknown directive \"ech\"",
	      "10:11: too many arguments" } },
};
/* clang-format on */

/* The heads of the errors, those with the file's name, one for a line. */
static void
filter_heads(const char *errors, struct bt_buf *out)
{
	bt_buf_append(out, "", 0);
	while (*errors) {
		const char *lf = strchr(errors, '\n');

		ck_assert_ptr_nonnull(lf);
		if (strncmp(errors, "t:", 2) == 0)
			bt_buf_append(
			    out, errors + 2, (size_t)(lf - errors) - 1);
		errors = lf + 1;
	}
}

START_TEST(errors_are_these)
{
	const struct row *row = &rows[_i];
	struct bt_buf errors = { 0 }, heads = { 0 };
	struct bt_conf *conf = NULL;
	const char *at;

	ck_assert_int_eq(
	    bt_conf_parse(bt_str_of(row->text), "t", &conf, &errors), -EINVAL);
	ck_assert_ptr_null(conf);
	filter_heads(errors.data, &heads);
	at = heads.data;
	for (unsigned i = 0; i < ERRORS_MAX && row->errors[i]; i++) {
		ck_assert_msg(
		    strncmp(at, row->errors[i], strlen(row->errors[i])) == 0,
		    "row %d, expected %s, is\n%s", _i, row->errors[i],
		    errors.data);
		at = strchr(at, '\n') + 1;
	}
	ck_assert_msg(
	    *at == '\0', "row %d: more than expected\n%s", _i, errors.data);
	bt_buf_fini(&errors);
	bt_buf_fini(&heads);
}
END_TEST

#define BLANKS_16 "                "
#define BLANKS_64 BLANKS_16 BLANKS_16 BLANKS_16 BLANKS_16
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *text, *printed;
} carets[] = {
	{ "frob;" OK_SERVER,
	    "t:1:1: unknown directive \"frob\"\n"
	    "    frob;" OK_SERVER "\n"
	    "    ^\n" },
	{ "\t workers\t0;\r\n" OK_SERVER,
	    "t:1:11: workers must be auto or from 1 to 256, not \"0\"\n"
	    "    \t workers\t0;\n"
	    "    \t        \t^\n" },
	{ "# \xc3\xa4\n'\xc3\xa4' x; frob;" OK_SERVER,
	    "t:2:1: unknown directive \"\xc3\xa4\"\n"
	    "    '\xc3\xa4' x; frob;" OK_SERVER "\n"
	    "    ^\n"
	    "t:2:8: unknown directive \"frob\"\n"
	    "    '\xc3\xa4' x; frob;" OK_SERVER "\n"
	    "           ^\n" },
	/* the terminal is safe: control bytes and broken UTF-8 are replaced */
	{ "a\x1b[1m;\n\xff\xc2\x9b;" OK_SERVER,
	    "t:1:2: control byte 0x1b; a conf is plain text\n"
	    "    a?[1m;\n"
	    "     ^\n"
	    "t:2:1: unknown directive \"???\"\n"
	    "    ???;" OK_SERVER "\n"
	    "    ^\n" },
	/* long lines are cut around the caret, long words after a while */
	{ "x" HUNDRED ";" OK_SERVER,
	    "t:1:1: unknown directive \"x" TEN TEN TEN TEN "0123456...\"\n"
	    "    x" TEN TEN TEN TEN TEN TEN TEN TEN TEN "01234...\n"
	    "    ^\n" },
	{ "server { name a" HUNDRED " b; route / { ech; } }",
	    "t:1:130: unknown directive \"ech\", did you mean \"echo\"?\n"
	    "    ..." TEN TEN TEN TEN "0123456789 b; route / { ech; } }\n"
	    "       " BLANKS_64 "^\n" },
};

START_TEST(caret_lines_up)
{
	struct bt_buf errors = { 0 }, want = { 0 };
	struct bt_conf *conf = NULL;

	ck_assert_int_eq(
	    bt_conf_parse(bt_str_of(carets[_i].text), "t", &conf, &errors),
	    -EINVAL);
	ck_assert_str_eq(errors.data, carets[_i].printed);
	bt_buf_fini(&errors);
	bt_buf_fini(&want);
}
END_TEST

START_TEST(errors_are_bounded)
{
	struct bt_buf text = { 0 }, errors = { 0 }, heads = { 0 };
	struct bt_conf *conf = NULL;
	unsigned n = 0;

	for (int i = 0; i < 1000; i++)
		bt_buf_printf(&text, "frob%d;\n", i);
	ck_assert_int_eq(
	    bt_conf_parse(bt_buf_str(&text), "t", &conf, &errors), -EINVAL);
	filter_heads(errors.data, &heads);
	for (const char *p = heads.data; (p = strchr(p, '\n')); p++)
		n++;
	ck_assert_uint_eq(n, BT_REPORT_MAX);
	ck_assert_ptr_nonnull(
	    strstr(errors.data, "\n... and 950 more errors\n"));
	bt_buf_fini(&text);
	bt_buf_fini(&errors);
	bt_buf_fini(&heads);
}
END_TEST

START_TEST(deep_nesting_is_bounded)
{
	struct bt_buf text = { 0 }, errors = { 0 };
	struct bt_conf *conf = NULL;

	for (int i = 0; i < 200000; i++)
		bt_buf_puts(&text, "a {");
	ck_assert_int_eq(
	    bt_conf_parse(bt_buf_str(&text), "t", &conf, &errors), -EINVAL);
	ck_assert_ptr_nonnull(strstr(errors.data, "nested too deep"));
	bt_buf_fini(&text);
	bt_buf_fini(&errors);
}
END_TEST

/* Wants the text refused, with a message that begins so at that place. */
static void
wants_error(struct bt_buf *text, const char *message)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *conf = NULL;

	ck_assert_int_eq(
	    bt_conf_parse(bt_buf_str(text), "t", &conf, &errors), -EINVAL);
	ck_assert_ptr_nonnull(strstr(errors.data, message));
	bt_buf_fini(text);
	bt_buf_fini(&errors);
}

/* The master reads a conf between two accepts: each name is compared once. */
START_TEST(a_name_very_often)
{
	struct bt_buf text = { 0 };

	bt_buf_puts(&text, "server { name");
	for (int i = 0; i < 200000; i++)
		bt_buf_puts(&text, " a");
	bt_buf_puts(&text, "; route / { echo; } }");
	wants_error(&text, "the server has this name already, at line 1");
}
END_TEST

/* A head that fits into no buffer could never be sent. */
START_TEST(fields_are_bounded)
{
	struct bt_buf text = { 0 };

	bt_buf_puts(&text, "server {\n");
	for (int i = 0; i < 16; i++)
		bt_buf_printf(&text, "add_header X%d %01100d always;\n", i, 0);
	bt_buf_puts(&text, "route / { echo; } }");
	wants_error(
	    &text, "t:16:1: the fields added here have more than 16384");
}
END_TEST

static const char *const right[] = {
	/* how a right conf is indented, or broken into lines, never matters */
	"server {\n        route / {\necho;\n}\n}\n",
	"server\n{\nroute\n/\n{\necho\n;\n}\n}\n",
	"server {\n name a\n b\n  root\nstatus.example\n'echo';"
	"route / { echo; } }",
	"server{listen 80;route /{return 200 'a';}}",
	"\xef\xbb\xbfserver {\r\n route / {\r\n echo;\r\n }\r\n}\r\n",
	"# only a comment\nserver { route / { echo; } } # the end",
	"server { route /a { echo; } route = /a { echo; } route /a/ { echo; } "
	"}",
	"server { listen 80; name a; route / { echo; } }"
	"server { listen 81; name a; route / { echo; } }",
	"server { listen 80; listen [::]:80; listen 127.0.0.1:81;"
	"route / { echo; } }",
	"server { name _ [::1] 127.0.0.1 xn--a.de *.a.b; route / { echo; } }",
	"server { route /a.b/...c/.d { return 301 'moved\\n'; } }",
	"server { route / { redirect 307 http://[::1]:80/?a=b#c; } }",
	"server { route / { return 200 '{\"\\$schema\": \"a b\"}'; } }",
	"server { route / { return 200 'costs $ 5'; } }",
	"server { listen 80; }",
};

START_TEST(right_confs_are_not_refused)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *conf = NULL;

	ck_assert_msg(
	    bt_conf_parse(bt_str_of(right[_i]), "t", &conf, &errors) == 0, "%s",
	    errors.data);
	bt_conf_free(conf);
	bt_buf_fini(&errors);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

BT_UNIT_SUITE(conf_errors)
{
	TCase *tc = bt_unit_case(s, "errors");

	tcase_add_loop_test(tc, errors_are_these, 0, COUNT(rows));
	tcase_add_loop_test(tc, caret_lines_up, 0, COUNT(carets));
	tcase_add_test(tc, errors_are_bounded);
	tcase_add_test(tc, deep_nesting_is_bounded);
	tcase_add_test(tc, a_name_very_often);
	tcase_add_test(tc, fields_are_bounded);
	tcase_add_loop_test(tc, right_confs_are_not_refused, 0, COUNT(right));
}
