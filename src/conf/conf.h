#ifndef BT_CONF_CONF_H
#define BT_CONF_CONF_H

/*
 * The conf file as one validated, immutable tree.  Read in the master (and by
 * `baton -t`), shared with the workers by fork.  Reading has no side effect:
 * it binds nothing, resolves nothing, creates nothing.
 */

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/template.h"

#define BT_CONF_WORKERS_MAX 256
#define BT_CONF_LISTENS_MAX 1024
/* With the error log their descriptors travel in one message. */
#define BT_CONF_LOG_FILES_MAX 250
/* Of a log's line: what is not a variable. */
#define BT_CONF_FORMAT_BYTES_MAX 2048

/* Servers of one upstream. */
#define BT_CONF_ORIGINS_MAX 64

enum bt_dispatch { BT_DISPATCH_ROUND_ROBIN, BT_DISPATCH_LEAST_CONNECTIONS };

/* Which server of an upstream gets the next request. */
enum bt_balancing {
	BT_BALANCE_ROUND_ROBIN,
	BT_BALANCE_LEAST_CONNECTIONS,
	BT_BALANCE_HASH_ADDRESS,
	BT_BALANCE_HASH_URI,
};

/* What answers on a route; a row each in conf/directives.c and handlers/. */
enum bt_handler_kind {
	BT_HANDLER_NONE, /* nothing was named: 404 */
	BT_HANDLER_RETURN,
	BT_HANDLER_REDIRECT,
	BT_HANDLER_ECHO,
	BT_HANDLER_STATIC, /* `root` */
	BT_HANDLER_METRICS,
	BT_HANDLER_STATUS,
	BT_HANDLER_APP,
	BT_HANDLER_PROXY,
	BT_HANDLER_KINDS,
};

/* `log_format NAME [escape=json] TEXT`, and those that are always there. */
struct bt_conf_format {
	struct bt_str name;
	struct bt_template template;
	bool json; /* values are escaped as in JSON strings */
	bool built_in;
};

struct bt_conf_log {      /* `access_log PATH [FORMAT]` */
	unsigned file;    /* index into log_files */
	const char *path; /* which it has */
	const struct bt_conf_format *format;
};

/* One address to listen at, named by one or more servers. */
struct bt_conf_listen {
	struct bt_addr addr;
	unsigned backlog;
	uint16_t id;   /* the master's number of its listener, for all confs */
	bool deferred; /* TCP_DEFER_ACCEPT */
	bool proxy_protocol; /* connections begin with its header */
	bool ipv6_only; /* always for AF_INET6: `*` and `::` are two sockets */
	/* index into servers: which says default_server, else the first */
	unsigned default_server;
};

/*
 * `allow` and `deny`, in their order; the first that has the client decides.
 * A list that is not empty ends with one for all addresses.
 */
struct bt_conf_access {
	struct bt_addr_block block;
	bool allow;
};

struct bt_conf_field { /* `add_header NAME VALUE [always]`, `set_header` */
	struct bt_str name, value;
	const struct bt_template *template; /* NULL: without variables */
	bool always; /* also on answers other than 200, 201, 204, 206, 30x */
};

struct bt_conf_page { /* `error_page STATUS ... [=STATUS] PATH` */
	unsigned status;
	unsigned answers; /* what the answer has instead; 0: the same */
	struct bt_str path;
};

struct bt_conf_user {
	const char *name, *hash; /* of crypt(5) */
};

struct bt_conf_auth { /* `basic_auth REALM FILE` */
	struct bt_str realm;
	const char *file;
	const struct bt_conf_user *users; /* by name */
	size_t users_n;
};

struct bt_conf_setting { /* in the block of `app` */
	const char *name, *value;
};

struct bt_conf_app { /* `app FILE { ... }`, each of them */
	struct bt_conf_app *next;
	const char *file;
	struct bt_conf_setting *settings;
	size_t settings_n;
	/* Of who loads it (app/), in the master and so in its workers. */
	void *loaded;
	void (*unload)(void *loaded); /* NULL: it is not; bt_conf_free() does */
};

/* Where continuations are kept: the first that can take one does. */
enum bt_store_kind { BT_STORE_URL, BT_STORE_MEMORY, BT_STORE_DISK };

struct bt_conf_store {
	enum bt_store_kind kind;
	uint64_t bytes;     /* URL: of its token at most; else of all records */
	uint64_t records;   /* DISK: at most */
	const char *folder; /* DISK */
};

#define BT_CONF_STORES_MAX 3 /* one of each kind */

/* One that requests are handed to. */
struct bt_conf_origin {
	struct bt_str text; /* `127.0.0.1:9000`, `app:80`, `unix:/run/a.sock` */
	struct bt_addr addr; /* AF_UNSPEC: a name, to be looked up */
	const char *host;    /* the name, and its port */
	uint16_t port;
	unsigned weight; /* of its share: 1 or more */
	bool backup;     /* only when no other can be connected to */
};

/* `upstream NAME { ... }`, or what a `proxy` names itself. */
struct bt_conf_upstream {
	struct bt_conf_upstream *next;
	struct bt_str name; /* as `proxy` names it */
	bool named;         /* has a block of its own */
	unsigned id;        /* of all in the conf, from 0 */
	struct bt_conf_origin *origins;
	size_t origins_n;
	unsigned keepalive; /* idle connections of a worker to each of them */
	int64_t keepalive_timeout_ms;
	enum bt_balancing balance;
	unsigned fall, rise; /* in a row: it is down, up again by its checks */
	int64_t fail_timeout_ms;
	int64_t slow_start_ms; /* 0: none */
	unsigned hold_requests;
	uint64_t hold_bytes; /* of their contents */
	const char *check;   /* a path; NULL: none */
	int64_t check_interval_ms;
};

struct bt_conf_proxy { /* `proxy TARGET { ... }` */
	const struct bt_conf_upstream *upstream;
	struct bt_str target; /* as it stands in the conf */
	struct bt_str prefix; /* takes the place of the route's path; or none */
	int64_t connect_timeout_ms, read_timeout_ms, tunnel_timeout_ms;
	int64_t try_duration_ms; /* 0: one try of each */
	int64_t try_interval_ms;
	unsigned send_proxy;          /* BT_PROXY_V1, BT_PROXY_V2; 0: off */
	struct bt_conf_field *fields; /* of requests: set, or removed */
	size_t fields_n;
	struct bt_str *hidden; /* names of fields of answers */
	size_t hidden_n;
	unsigned maps_back; /* 0: off */
	unsigned buffers;   /* 0: off */
};

/* What server and route inherit from where they stand in, whole lists. */
struct bt_conf_scope {
	uint64_t max_body_bytes; /* 0: unlimited */
	const struct bt_conf_access *access;
	size_t access_n;
	const struct bt_conf_field *fields;
	size_t fields_n;
	const struct bt_conf_auth *auth; /* NULL: off */
	const struct bt_conf_log *logs;
	size_t logs_n;
	const struct bt_conf_page *pages;
	size_t pages_n;
	const char *cache_control;   /* its value; NULL: off */
	int64_t file_cache_valid_ms; /* 0: check the file at every request */
	unsigned precompressed;      /* 0: off */
	unsigned dotfiles;           /* 0: off */
	unsigned autoindex;          /* 0: off */
	const struct bt_conf_store *stores; /* of `continuations` */
	size_t stores_n;                    /* 0: off */
	int64_t continuation_lifetime_ms;
	unsigned gzip; /* 0: off */
	uint64_t gzip_min_bytes;
	const struct bt_str *gzip_types; /* one may end in a star */
	size_t gzip_types_n;
};

struct bt_conf_route {
	struct bt_str path; /* decoded; begins with / */
	bool exact;         /* `route = PATH` */
	enum bt_handler_kind handler;
	struct bt_conf_scope scope;
	unsigned status;    /* return, redirect */
	struct bt_str text; /* return: the content; redirect: the Location */
	bool has_text;      /* `return 200 ""` differs from `return 200` */
	bool has_variables; /* then it is not `text`, but: */
	struct bt_template template;
	struct bt_conf_app *app;
	struct bt_conf_proxy *proxy;
	struct bt_str root;   /* static: an absolute folder */
	struct bt_str *index; /* static: file names, in order */
	size_t index_n;
	const struct bt_template *tries; /* static: `try_files`, in order */
	size_t tries_n;                  /* 0: the path itself */
	unsigned tries_status;           /* when none is there */
	const char *file; /* where the route stands, for messages */
	unsigned line;
};

struct bt_conf_server {
	unsigned *listens; /* indexes into bt_conf.listens */
	size_t listens_n;
	struct bt_str
	    *names; /* lower case, without port; `*.example.org` too */
	size_t names_n;
	struct bt_conf_scope scope;
	struct bt_conf_route *routes; /* in the order of the file */
	size_t routes_n;
	const char *file;
	unsigned line;
};

struct bt_conf {
	const char *file; /* of the main conf file; NULL in quick mode */
	unsigned workers; /* 0: one for each CPU of the affinity mask */
	const char *user; /* NULL: stay who we are */
	const char *pid_file, *control; /* NULL: none */
	const char *error_log;          /* "stderr" or a path */
	enum bt_log_level error_log_level;
	struct bt_conf_format *formats;
	size_t formats_n;
	const char **log_files; /* paths, "stdout", "stderr": each once */
	size_t log_files_n;
	const struct bt_conf_log *logs; /* of requests that no server has */
	size_t logs_n;
	enum bt_dispatch dispatch;
	unsigned worker_connections;
	unsigned worker_max_requests; /* 0: off */
	uint64_t worker_max_memory;   /* bytes; 0: off */
	/* of one client address; 0: no limit */
	unsigned limit_connections, limit_rate, limit_rate_burst;
	const struct bt_addr_block *proxies; /* that are trusted */
	size_t proxies_n;
	const struct bt_addr *resolvers; /* none: the system's */
	size_t resolvers_n;
	int64_t worker_timeout_ms;
	int64_t slow_callback_ms; /* 0: off */
	unsigned crash_rescue;    /* 0: off */
	unsigned offload_threads;
	int64_t drain_timeout_ms, header_timeout_ms, body_timeout_ms,
	    send_timeout_ms, keepalive_timeout_ms;
	uint64_t min_body_rate, min_send_rate; /* bytes a second; 0: off */
	unsigned keepalive_requests;
	uint64_t max_header_bytes; /* the head: request line and fields */
	struct bt_conf_listen *listens;
	size_t listens_n;
	struct bt_conf_server *servers;
	size_t servers_n;
	const char *continuation_keys; /* a file; NULL: a random key */
	/* the largest that the chain of an application names */
	uint64_t memory_store_bytes;
	bool memory_spills; /* one of them has a disk behind the memory */
	struct bt_conf_store disk; /* .folder NULL: none */
	struct bt_conf_app *apps;  /* of all routes */
	struct bt_conf_upstream *upstreams;
	unsigned upstreams_n;
	/* of who loads the applications, for all of them; as of one */
	void *loaded;
	void (*unload)(void *loaded);
	struct bt_arena arena; /* all of the above; bt_conf_free()'s */
};

/*
 * Reads and checks the file.  All errors of the file are found in one go.
 *
 * Returns:   0 with `*ret`; -EINVAL, or negative errno of reading the main
 * file, and `errors` has a text for people in either case, lines ended by LF:
 * `file:line:column: what`, the line of the file, a caret; at most 50 errors.
 * Ownership: `*ret` is the caller's, bt_conf_free().
 * Context:   master, or baton -t.
 */
int bt_conf_read(const char *path, struct bt_conf **ret, struct bt_buf *errors);

/*
 * The same, for asking the master that runs, which need not wait until a file
 * that is being edited is right again: where `control` is known, `*ret` is
 * there in spite of errors, which `errors` has then; only `control`, `file` and
 * `drain_timeout_ms` of it are to be used.
 *
 * Context: baton -s.
 */
int bt_conf_read_to_ask(
    const char *path, struct bt_conf **ret, struct bt_buf *errors);

/*
 * The same for a text in memory; `name` stands for the file in messages. Such a
 * text can include nothing, so no file is opened.
 */
int bt_conf_parse(struct bt_str text, const char *name, struct bt_conf **ret,
    struct bt_buf *errors);

/*
 * The conf of `baton -l ADDR:PORT -r DIR`: one server, one static route, no
 * access log, no pid file, no control socket, no change of user.  The folder is
 * made absolute, and must be there.
 *
 * Returns: 0 with `*ret`; -EINVAL for the address, or negative errno of the
 *          folder, and `errors` has a line for people.
 */
int bt_conf_quick(const char *listen, const char *root, struct bt_conf **ret,
    struct bt_buf *errors);

/* The user of that name, or NULL. */
const struct bt_conf_user *bt_conf_user_find(
    const struct bt_conf_auth *, const char *name);

/*
 * Whoever can look into applications: conf/ cannot.  `check` is called at the
 * end of each reading without errors, and complains of an application, or of
 * one of its settings (an index; -1: none of them); of NULL: of the key file.
 */
typedef void bt_conf_complain_fn(
    void *arg, const struct bt_conf_app *, int setting, const char *what);
typedef void bt_conf_check_apps_fn(
    const struct bt_conf *, bt_conf_complain_fn *, void *arg);
void bt_conf_check_apps_by(bt_conf_check_apps_fn *check);

/* Accepts NULL. */
void bt_conf_free(struct bt_conf *);

/* Appends the conf as understood, defaults too; it can be read back (-T). */
void bt_conf_dump(const struct bt_conf *, struct bt_buf *);

/* Appends the mdoc list of all directives, from the table, for baton.conf(5).
 */
void bt_conf_manual(struct bt_buf *);

#endif
