/*
 * Trying and loading applications.  The child tells over a pipe what it looks
 * at and what is wrong with it, so that of one that crashes it is known which
 * it was.  Master, or `baton -t`; the child is its copy.
 */

#include "app/load.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that has said nothing more for so long hangs. */
#define CHILD_MS 5000

/* What the child tells; `bytes` of text follow. */
struct report {
	enum {
		REPORT_KEYS,
		REPORT_BEGINS,
		REPORT_COMPLAINT,
		REPORT_ALL_GOOD
	} what;
	unsigned app; /* in the order of the conf's list */
	int setting;
	size_t bytes;
};

struct child {
	pid_t pid;
	int fd;
	struct bt_buf told;
};

static void
tell(int fd, struct report report, const char *text)
{
	struct bt_buf b = { 0 };

	report.bytes = strlen(text);
	bt_buf_append(&b, &report, sizeof(report));
	bt_buf_append(&b, text, report.bytes);
	for (size_t at = 0; at < b.len;) {
		ssize_t n = write(fd, b.data + at, b.len - at);

		if (n == -1 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	bt_buf_fini(&b);
}

/* In the child: who complains of which application. */
struct trial {
	int fd;
	unsigned app;
};

static void
on_complaint(
    void *arg, const struct bt_conf_app *app, int setting, const char *what)
{
	const struct trial *t = arg;

	tell(t->fd,
	    (struct report){
		.what = REPORT_COMPLAINT, .app = t->app, .setting = setting },
	    what);
}

static void
try_app(struct trial *t, const struct bt_conf_app *app)
{
	struct bt_setting_value *values;
	struct bt_library *library;
	struct bt_buf why = { 0 };

	tell(
	    t->fd, (struct report){ .what = REPORT_BEGINS, .app = t->app }, "");
	if (bt_library_open(app->file, &library, &why) < 0) {
		on_complaint(t, app, -1, why.data ? why.data : "");
		return;
	}
	values = bt_mem_zero(library->settings_n + 1, sizeof(*values));
	bt_settings_read(library, app, values, on_complaint, t);
	free(values);
}

static void
try_keys(const struct trial *t, const struct bt_conf *conf)
{
	struct bt_buf why = { 0 };
	struct bt_keys keys;

	if (conf->continuation_keys == NULL)
		return;
	if (bt_keys_init() < 0)
		bt_buf_puts(&why, "there is no source of random numbers");
	else
		bt_keys_read(&keys, conf->continuation_keys, &why);
	if (why.len > 0)
		tell(t->fd, (struct report){ .what = REPORT_KEYS }, why.data);
	sodium_memzero(&keys, sizeof(keys));
}

/* The life of the child.  What it inherits and does not want ends with it. */
static void
try_all(const struct bt_conf *conf, int fd)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
		SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGALRM };
	const struct rlimit none = { 0, 0 };
	struct trial t = { .fd = fd };
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		signal(faults[i], SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setrlimit(RLIMIT_CORE, &none); /* it is told what happened */
	try_keys(&t, conf);
	for (const struct bt_conf_app *a = conf->apps; a != NULL; a = a->next) {
		try_app(&t, a);
		t.app++;
	}
	tell(fd, (struct report){ .what = REPORT_ALL_GOOD }, "");
	_exit(0);
}

static int
child_start(struct child *c, const struct bt_conf *conf)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	c->pid = fork();
	if (c->pid == -1) {
		int r = -errno;

		bt_fd_close_all(fds, 2);
		return r;
	}
	if (c->pid == 0) {
		close(fds[0]);
		try_all(conf, fds[1]);
	}
	close(fds[1]);
	c->fd = fds[0];
	return 0;
}

/* All that it tells until it ends; false when it has to be ended. */
static bool
child_hear(struct child *c)
{
	int64_t by_ms = bt_clock_ms() + CHILD_MS;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	for (;;) {
		int64_t rest = by_ms - bt_clock_ms();
		ssize_t n;

		if (rest <= 0 ||
		    (poll(&p, 1, (int)rest) == -1 && errno != EINTR))
			return false;
		if (p.revents == 0)
			continue;
		n = read(c->fd, bt_buf_reserve(&c->told, 4096), 4096);
		if (n == 0)
			return true;
		if (n > 0)
			c->told.len += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
}

static int
child_end(struct child *c, bool hangs)
{
	int status = 0;

	if (hangs)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
		;
	bt_fd_close(&c->fd);
	return status;
}

static const struct bt_conf_app *
app_at(const struct bt_conf *conf, unsigned i)
{
	const struct bt_conf_app *a = conf->apps;

	while (i-- > 0)
		a = a->next;
	return a;
}

/* What happened to the child while it looked at an application. */
static void
complain_of_end(const struct bt_conf_app *app, int status, bool hangs,
    bt_conf_complain_fn *complain, void *arg)
{
	char text[160];

	if (hangs)
		snprintf(text, sizeof(text),
		    "it does not come back from being loaded");
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text),
		    "it crashes while it is loaded: SIG%s",
		    sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, sizeof(text),
		    "it ends the process while it is loaded, status %d",
		    WEXITSTATUS(status));
	complain(arg, app, -1, text);
}

/* Passes on what the child told; the application that it did not finish. */
static const struct bt_conf_app *
pass_on(const struct child *c, const struct bt_conf *conf,
    bt_conf_complain_fn *complain, void *arg)
{
	const struct bt_conf_app *app = conf->apps;

	for (size_t at = 0; at + sizeof(struct report) <= c->told.len;) {
		struct report r;
		char *text;

		memcpy(&r, c->told.data + at, sizeof(r));
		at += sizeof(r);
		if (r.what == REPORT_ALL_GOOD)
			return NULL;
		app = app_at(conf, r.app);
		if (r.bytes > c->told.len - at)
			break;
		text = bt_mem_strndup(c->told.data + at, r.bytes);
		if (r.what == REPORT_KEYS)
			complain(arg, NULL, -1, text);
		else if (r.what == REPORT_COMPLAINT)
			complain(arg, app, r.setting, text);
		free(text);
		at += r.bytes;
	}
	return app;
}

void
bt_apps_check(
    const struct bt_conf *conf, bt_conf_complain_fn *complain, void *arg)
{
	struct child c = { .fd = -1 };
	const struct bt_conf_app *unfinished;
	bool hangs;
	int status, r;

	if ((r = child_start(&c, conf)) < 0) {
		char text[120];

		snprintf(text, sizeof(text),
		    "cannot be tried in a process of its own: %s",
		    strerror(-r));
		complain(arg, conf->apps, -1, text);
		return;
	}
	hangs = !child_hear(&c);
	status = child_end(&c, hangs);
	unfinished = pass_on(&c, conf, complain, arg);
	if (unfinished != NULL)
		complain_of_end(unfinished, status, hangs, complain, arg);
	bt_buf_fini(&c.told);
}

static void
unload(void *loaded)
{
	struct bt_loaded_app *a = loaded;

	free(a->values);
	bt_library_unref(a->library);
	free(a);
}

/* The library, which another route may have loaded for this conf. */
static int
find_library(const struct bt_conf *conf, const char *file,
    struct bt_library **ret, struct bt_buf *why)
{
	for (const struct bt_conf_app *a = conf->apps; a != NULL; a = a->next)
		if (a->loaded != NULL && strcmp(a->file, file) == 0) {
			struct bt_loaded_app *other = a->loaded;

			*ret = bt_library_ref(other->library);
			return 0;
		}
	return bt_library_open(file, ret, why);
}

/* --- what all of them share --- */

static struct bt_shared *shared; /* the master's, and its children's */
static int shared_fd = -1;

static int
make_shared(struct bt_buf *errors)
{
	int r;

	if (shared != NULL)
		return 0;
	r = bt_shared_new(&shared, &shared_fd);
	if (r < 0)
		bt_buf_printf(errors,
		    "cannot make the memory of continuations: %s\n",
		    strerror(-r));
	return r;
}

int
bt_apps_shared_fd(void)
{
	return shared_fd;
}

int
bt_apps_adopt_shared(int *fd)
{
	int r = bt_shared_open(*fd, &shared);

	if (r < 0) {
		bt_fd_close(fd);
		return r;
	}
	shared_fd = bt_fd_take(fd);
	return 0;
}

static void
free_common(void *loaded)
{
	sodium_memzero(loaded, sizeof(struct bt_loaded_conf));
	free(loaded);
}

/* The folder of the store on disk: the workers', whoever they are. */
static int
make_folder(const struct bt_conf *conf, struct bt_buf *errors)
{
	const char *folder = conf->disk.folder;
	const struct passwd *user;

	if (folder == NULL || (mkdir(folder, 0700) == -1 && errno == EEXIST))
		return 0;
	if (access(folder, F_OK) == -1) {
		int r = -errno;

		bt_buf_printf(errors, "continuations disk %s: %s\n", folder,
		    strerror(-r));
		return r;
	}
	if (geteuid() == 0 && conf->user != NULL &&
	    (user = getpwnam(conf->user)) != NULL &&
	    chown(folder, user->pw_uid, user->pw_gid) == -1)
		bt_log_warn(NULL, errno, "cannot give %s to user %s", folder,
		    conf->user);
	return 0;
}

/* The keys, of the file or of the segment. */
static int
load_common(struct bt_conf *conf, struct bt_buf *errors)
{
	struct bt_loaded_conf *c;
	struct bt_buf why = { 0 };
	int r;

	if ((r = bt_keys_init()) < 0 || (r = make_shared(errors)) < 0 ||
	    (r = make_folder(conf, errors)) < 0)
		return r;
	c = bt_mem_zero(1, sizeof(*c));
	c->shared = shared;
	if (conf->continuation_keys == NULL)
		bt_keys_of(&c->keys, shared->secret);
	else if ((r = bt_keys_read(&c->keys, conf->continuation_keys, &why)) <
	    0)
		bt_buf_printf(errors, "continuation_keys %s: %s\n",
		    conf->continuation_keys, why.data ? why.data : "");
	bt_buf_fini(&why);
	conf->loaded = c;
	conf->unload = free_common;
	return r;
}

static void
put_complaint(
    void *arg, const struct bt_conf_app *app, int setting, const char *what)
{
	bt_buf_printf(arg, "app %s: %s\n", app->file, what);
}

int
bt_apps_load(struct bt_conf *conf, struct bt_buf *errors)
{
	int r;

	if (conf->apps != NULL && (r = load_common(conf, errors)) < 0)
		return r;
	for (struct bt_conf_app *a = conf->apps; a != NULL; a = a->next) {
		struct bt_loaded_app *loaded;
		struct bt_library *library;
		struct bt_buf why = { 0 };

		r = find_library(conf, a->file, &library, &why);
		if (r < 0) {
			bt_buf_printf(errors, "app %s: %s\n", a->file,
			    why.data ? why.data : "");
			bt_buf_fini(&why);
			return r;
		}
		loaded = bt_mem_zero(1, sizeof(*loaded));
		loaded->library = library;
		loaded->values = bt_mem_zero(
		    library->settings_n + 1, sizeof(*loaded->values));
		a->loaded = loaded;
		a->unload = unload;
		if (!bt_settings_read(
			library, a, loaded->values, put_complaint, errors))
			return -EINVAL;
	}
	return 0;
}
