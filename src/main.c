/*
 * The command line, and nothing else: what each option means is done in conf/
 * and master/.
 */

#include "app/load.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/title.h"
#include "conf/conf.h"
#include "master/master.h"
#include "proxy/standing.h"
#include "worker/worker.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_CONF BT_SYSCONFDIR "/baton/baton.conf"

static const char usage_text[] =
    "usage: baton [-c FILE]              run in the foreground\n"
    "       baton -t [-c FILE]           check the conf, say what is wrong\n"
    "       baton -T [-c FILE]           check it and print it as understood\n"
    "       baton -s VERB [-c FILE]      ask the running baton and wait:\n"
    "                                    reload upgrade reopen quit stop"
    " status\n"
    "       baton -l ADDR:PORT -r DIR    serve a folder without a conf file\n"
    "       baton -V                     print the version\n"
    "       baton -h                     print this\n"
    "The conf file is " DEFAULT_CONF " if none is named.\n";

/* The exit status of a start which a service manager need not repeat. */
#define WRONG_CONF EX_CONFIG

struct options {
	const char *file, *verb, *listen, *root;
	bool check, dump;
};

static int
misused(const char *what)
{
	fprintf(stderr, "baton: %s\n%s", what, usage_text);
	return 2;
}

static bool
is_verb(const char *verb)
{
	static const char *const verbs[] = { "reload", "upgrade", "reopen",
		"quit", "stop", "status" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i], verb) == 0)
			return true;
	return false;
}

/* What is wrong with them together, or NULL. */
static const char *
conflict_of(const struct options *o)
{
	if ((o->listen == NULL) != (o->root == NULL))
		return "-l and -r go together";
	if (o->listen != NULL && (o->file != NULL || o->verb != NULL))
		return "-l and -r stand for a conf file: leave -c and -s out";
	if (o->verb != NULL && o->check)
		return "-s does not go with -t or -T";
	return NULL;
}

/* Returns -1 to go on, else the exit status. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *conflict;
	char what[128];
	int c;

	opterr = 0;
	while (
	    (c = getopt_long(argc, argv, ":c:tTs:l:r:Vh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 't':
			o->check = true;
			break;
		case 'T':
			o->check = o->dump = true;
			break;
		case 's':
			o->verb = optarg;
			break;
		case 'l':
			o->listen = optarg;
			break;
		case 'r':
			o->root = optarg;
			break;
		case 'V':
			puts("baton " BT_VERSION);
			return 0;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case ':':
			snprintf(what, sizeof(what),
			    "option -%c needs an argument", optopt);
			return misused(what);
		default:
			if (optopt > 0 && optopt < 128)
				snprintf(what, sizeof(what),
				    "unknown option -%c", optopt);
			else
				snprintf(what, sizeof(what),
				    "unknown option %s", argv[optind - 1]);
			return misused(what);
		}
	}
	if (optind < argc) {
		bool verb = is_verb(argv[optind]);

		snprintf(what, sizeof(what), "unexpected argument \"%s\"%s%s",
		    argv[optind], verb ? ", did you mean -s " : "",
		    verb ? argv[optind] : "");
		return misused(what);
	}
	if (o->verb != NULL && !is_verb(o->verb)) {
		snprintf(
		    what, sizeof(what), "-s does not know \"%s\"", o->verb);
		return misused(what);
	}
	if ((conflict = conflict_of(o)) != NULL)
		return misused(conflict);
	return -1;
}

/*
 * The journal shows as an error only what says that it is one: also what
 * ExecReload= of a unit, which is `baton -s reload`, has to say.
 */
static void
tell_errors(const struct bt_buf *errors)
{
	if (bt_log_open(NULL, BT_LOG_INFO) == 0 && bt_log_in_journal())
		bt_log_lines(BT_LOG_ERROR, bt_buf_str(errors));
	else
		fwrite(errors->data, 1, errors->len, stderr);
}

/* A verb which has nothing to do with what the conf file says now. */
static bool
is_for_any_conf(const char *verb)
{
	return strcmp(verb, "reload") != 0 && strcmp(verb, "upgrade") != 0;
}

static int
read_conf(const struct options *o, struct bt_conf **ret)
{
	const char *file = o->file ? o->file : DEFAULT_CONF;
	struct bt_buf errors = { 0 };
	int r;

	if (o->listen != NULL)
		r = bt_conf_quick(o->listen, o->root, ret, &errors);
	else if (o->verb != NULL && is_for_any_conf(o->verb))
		r = bt_conf_read_to_ask(file, ret, &errors);
	else
		r = bt_conf_read(file, ret, &errors);
	if (r < 0)
		tell_errors(&errors);
	else if (errors.len > 0)
		fprintf(
		    stderr, "baton: %s is wrong now, see `baton -t`\n", file);
	if (r == -ENOENT && o->file == NULL && o->listen == NULL)
		fputs("baton: -c names another conf file; -l and -r serve a "
		      "folder without one\n",
		    stderr);
	bt_buf_fini(&errors);
	return r;
}

static int
check(const struct options *o, const struct bt_conf *conf)
{
	struct bt_buf text = { 0 };
	int bad = 0;

	if (o->dump) {
		bt_conf_dump(conf, &text);
		fwrite(text.data, 1, text.len, stdout);
		bad = fflush(stdout) == EOF;
		bt_buf_fini(&text);
	} else {
		printf("baton: %s is good\n",
		    conf->file ? conf->file : "what -l and -r say");
	}
	return bad;
}

/* What the conf names, and what its workers share. */
static int
load(struct bt_conf *conf, struct bt_buf *errors)
{
	int r = conf->upstreams_n > 0 ? bt_standings_make() : 0;

	if (r < 0)
		bt_buf_printf(errors,
		    "cannot make the memory of upstreams: %s\n", strerror(-r));
	return r < 0 ? r : bt_apps_load(conf, errors);
}

static const struct bt_hooks hooks = {
	.run = bt_worker_run,
	.check_apps = bt_apps_check,
	.load = load,
	.kept_fd = bt_standings_news_fd,
	.shared_fd = bt_apps_shared_fd,
	.adopt_shared = bt_apps_adopt_shared,
};

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	struct bt_conf *conf;
	int status;

	bt_title_init(argc, argv);
	bt_fd_fill_standard();
	bt_conf_check_apps_by(bt_apps_check);
	if ((status = bt_master_take_over(&hooks)) != -1)
		return status;
	if ((status = parse_options(argc, argv, &o)) != -1)
		return status;
	if (read_conf(&o, &conf) < 0)
		return o.check || o.verb || o.listen ? 1 : WRONG_CONF;
	if (!o.check && o.verb == NULL)
		return bt_master_run(conf, &hooks);
	status = o.verb ? bt_control_ask(conf, o.verb) : check(&o, conf);
	bt_conf_free(conf);
	return status;
}
