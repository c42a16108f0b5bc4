#ifndef BT_CONF_BUILD_H
#define BT_CONF_BUILD_H

/*
 * From the tree of statements to a bt_conf: what the directives' own parts
 * (set_*.c) and the checks (check.c) share.
 */

#include "conf/directives.h"
#include "conf/tree.h"

/* A block that is being built. */
struct bt_frame {
	struct bt_frame *outer;
	const struct bt_node *node;
	unsigned where;
	struct bt_conf_scope *scope;
	struct bt_conf_server *server; /* NULL in main */
	struct bt_conf_route *route;   /* NULL outside of routes */
	const struct bt_node *handler; /* which the route has */
	void *inner; /* what a block within one of those fills */
	struct bt_conf_access *access; /* a list of its own has begun */
	struct bt_conf_field *fields;
	struct bt_conf_log *logs;
	struct bt_conf_page *pages;
	size_t fields_bytes;                           /* of them, as lines */
	const struct bt_node *seen[BT_DIRECTIVES_MAX]; /* by row */
};

/* What is known of a listening address while servers are read. */
struct bt_listen_note {
	const struct bt_node *first;     /* the statement that named it */
	const struct bt_node *backlog;   /* which gave it, or NULL */
	const struct bt_node *preferred; /* which said default_server */
	const struct bt_node *proxied;   /* which said proxy_protocol */
};

/* Where the parts of a server stand; the arrays are as those in the conf. */
struct bt_server_note {
	const struct bt_node *node;
	const struct bt_node **listens, **names, **routes;
	unsigned *name_words; /* each name's word in its statement */
};

/* A log whose format is looked for when all of them are known. */
struct bt_log_note {
	struct bt_log_note *next;
	struct bt_conf_log *log;
	const struct bt_node *node;
};

/* An application, for messages; in the order of the conf's. */
struct bt_app_note {
	struct bt_app_note *next;
	const struct bt_conf_app *app;
	const struct bt_conf_route *route;
	const struct bt_node *node, **settings;
};

/* A proxy whose upstream is looked for when all of them are known. */
struct bt_proxy_note {
	struct bt_proxy_note *next;
	struct bt_conf_proxy *proxy;
	const struct bt_node *node;
	struct bt_str name;
};

struct bt_build {
	struct bt_report *report;
	const struct bt_node *root;
	struct bt_conf *conf;
	struct bt_conf_scope main; /* what servers inherit */
	struct bt_frame *frame;
	struct bt_listen_note *notes;   /* of conf->listens */
	struct bt_server_note *servers; /* of conf->servers */
	struct bt_log_note *logs;       /* all access logs */
	struct bt_app_note *apps;
	struct bt_proxy_note *proxies;
	const struct bt_node *keys; /* continuation_keys */
};

/*
 * Fills the conf (zeroed, but for its arena) from the tree.  Errors go to the
 * report; after one the conf is only good for being freed.
 */
void bt_build_run(
    struct bt_build *, const struct bt_tree *, const struct bt_source *main);

/* Builds what stands in the frame's block; called by those that open one. */
void bt_build_block(struct bt_build *, struct bt_frame *);

/* Applies the row's preset in the frame, as if it were written there. */
void bt_build_preset(struct bt_build *, const struct bt_directive *);

/* How many statements of the row, or words behind them, the block has. */
size_t bt_build_count(
    const struct bt_node *block, const char *name, bool words);

/* Reports an error at the word `i` of a statement (0: its name). */
#define bt_build_error(b, node, i, ...) \
	bt_report_add( \
	    (b)->report, (node)->source, (node)->words[i].begin, __VA_ARGS__)

/* The word `i` in quotes, for a message. */
#define bt_build_quote(b, node, i) \
	bt_report_quote((b)->report, (node)->words[i].text)

/* Copies into the conf. */
#define bt_build_copy(b, str) bt_arena_copy(&(b)->conf->arena, (str))

/* Zeroed arrays, which may be empty: in the conf, and for the reading only. */
#define bt_build_array(b, n, size) \
	bt_arena_zero(&(b)->conf->arena, ((n) + 1) * (size))
#define bt_build_notes(b, n, size) \
	bt_arena_zero(&(b)->report->scratch, ((n) + 1) * (size))

/* The server, or its notes, that the frame is of. */
#define bt_build_note(b) (&(b)->servers[(b)->conf->servers_n - 1])

/*
 * The statement that people know, for one that may come from a preset: then
 * the block that it was applied in.
 */
#define bt_build_known(b, n) ((n)->parent ? (n) : (b)->frame->node)

/*
 * Is the word an absolute path without control bytes, of at most `max` bytes?
 * Reports it when not.
 */
bool bt_build_check_path(
    struct bt_build *, const struct bt_node *, unsigned i, size_t max);

/* Reports that the word is none of the `words_n` that may stand there. */
void bt_build_unknown_word(struct bt_build *, const struct bt_node *,
    unsigned i, const char *what, const char *const *words, size_t words_n);

/*
 * Which of `words_n` words the word `i` is; where the statement has none, what
 * is in `*ret` stays.
 *
 * Returns: false when it is another one, which was reported.
 */
bool bt_build_find_word(struct bt_build *, const struct bt_node *, unsigned i,
    const char *what, const char *const *words, size_t words_n, unsigned *ret);

/* Reports `$name` in a word where none is meant. */
bool bt_build_check_variables(
    struct bt_build *, const struct bt_node *, unsigned i);

/*
 * Takes a word with variables apart, into the conf; reports what is wrong.
 *
 * Returns: false when something is.
 */
bool bt_build_template(struct bt_build *, const struct bt_node *, unsigned i,
    struct bt_template *ret);

/* set_scope.c: ends the block's list of allow and deny: the rest is decided. */
void bt_scope_finish(struct bt_build *);

/* set_scope.c: whether a field can have the name; why not the value, or NULL.
 */
bool bt_field_is_name(struct bt_str);
const char *bt_field_why_not_value(struct bt_str);

/* set_route.c: why no request can have the path; NULL: one can. */
const char *bt_route_why_not_path(struct bt_str path);

/* set_log.c: formats of logs, when all of them are known. */
void bt_check_logs(struct bt_build *);

/* set_app.c: whether the applications can be loaded, and take their settings.
 */
void bt_check_apps(struct bt_build *);

/* set_proxy.c: upstreams of proxies, when all of them are known. */
void bt_check_proxies(struct bt_build *);

/*
 * set_continuations.c: adds what the chain of a scope wants to what all have;
 * false when it is another folder than an earlier one's.
 */
bool bt_continuations_share(struct bt_conf *, const struct bt_conf_scope *);

/* check.c: what can only be seen when a server, or all of them, are read. */
void bt_check_routes(struct bt_build *, const struct bt_conf_server *,
    const struct bt_server_note *);
void bt_check_servers(struct bt_build *);

/* The directives' own parts, by the block that they stand in. */
bt_directive_set_fn bt_set_error_log, bt_set_access_log,
    bt_set_log_format; /* set_log.c */
bt_directive_set_fn bt_set_limit_connections, bt_set_limit_rate,
    bt_set_trusted_proxies, bt_set_resolver; /* set_main.c */
bt_directive_set_fn bt_set_server, bt_set_listen,
    bt_set_name;                                 /* set_server.c */
bt_directive_set_fn bt_set_access, bt_set_field; /* set_scope.c */
bt_directive_set_fn bt_set_basic_auth;           /* set_auth.c */
bt_directive_set_fn bt_set_cache_control, bt_set_error_page,
    bt_set_gzip_types; /* set_answers.c */
bt_directive_set_fn bt_set_route, bt_set_root, bt_set_index, bt_set_return,
    bt_set_echo, bt_set_metrics, bt_set_status;        /* set_route.c */
bt_directive_set_fn bt_set_redirect, bt_set_try_files; /* set_target.c */
bt_directive_set_fn bt_set_app;                        /* set_app.c */
bt_directive_set_fn bt_set_proxy, bt_set_upstream, bt_set_origin,
    bt_set_check;                                        /* set_proxy.c */
bt_directive_set_fn bt_set_request_field, bt_set_hidden; /* set_message.c */
bt_directive_set_fn bt_set_continuations,
    bt_set_continuation_keys; /* set_continuations.c */

/* set_route.c: a status from 200 to 599 as the first argument. */
bool bt_build_status(struct bt_build *, const struct bt_node *, unsigned *ret);

#endif
