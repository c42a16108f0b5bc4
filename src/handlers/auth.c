/*
 * `basic_auth`.  A hash is slow on purpose, so guesses must not have the
 * threads for themselves: at most all of them but one verify at a time (the one
 * that there is, if there is one), the others wait in a line of their own,
 * which is short; who finds it full gets 503.  A name that nobody has costs as
 * much as one that somebody has.  Worker: on the loop, but for run().
 */

#include "handlers/auth.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "handlers/work.h"
#include "http/basic.h"

#include <crypt.h>
#include <stdlib.h>
#include <sys/queue.h>

#define WAITING_MAX 64
/* What was verified, by the hash of it; a newer one takes an older's place. */
#define KNOWN 256
#define KNOWN_MS 10000

struct known {
	struct bt_sip_hash hash;
	int64_t until_ms;
};

/* A password on its way through a thread. */
struct check {
	struct bt_work work;
	struct bt_auth *auth;
	STAILQ_ENTRY(check) link;
	struct bt_sip_hash hash; /* of user and password, for `known` */
	const char *want;        /* the conf's hash, or one of somebody else */
	bool is_user;
	bool right;
	struct bt_str user;
	char *password; /* in `bytes` */
	struct crypt_data data;
	char bytes[];
};

STAILQ_HEAD(checks, check);

struct bt_auth {
	struct bt_offload *offload;
	struct bt_sip_key key;
	unsigned running, running_max, waiting;
	struct checks line;
	struct known known[KNOWN];
};

struct bt_auth *
bt_auth_new(struct bt_offload *offload, unsigned threads)
{
	struct bt_auth *auth = bt_mem_zero(1, sizeof(*auth));
	int r = bt_sip_key_make(&auth->key);

	if (r < 0) {
		bt_log_error(NULL, r, "basic_auth has no random numbers");
		free(auth);
		return NULL;
	}
	auth->offload = offload;
	auth->running_max = threads > 1 ? threads - 1 : 1;
	STAILQ_INIT(&auth->line);
	return auth;
}

static void
check_free(struct check *k)
{
	explicit_bzero(&k->data, sizeof(k->data));
	explicit_bzero(k->password, strlen(k->password));
	free(k);
}

void
bt_auth_free(struct bt_auth *auth)
{
	struct check *k;

	if (auth == NULL)
		return;
	while ((k = STAILQ_FIRST(&auth->line)) != NULL) {
		STAILQ_REMOVE_HEAD(&auth->line, link);
		check_free(k);
	}
	explicit_bzero(auth, sizeof(*auth));
	free(auth);
}

/* Takes as long wherever they differ. */
static bool
is_equal(const char *a, const char *b)
{
	size_t n = strlen(a);
	volatile unsigned char differ = 0;

	if (n != strlen(b))
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

static void
run(struct bt_work *work)
{
	struct check *k = (struct check *)work;
	const char *hash = crypt_r(k->password, k->want, &k->data);

	k->right = hash != NULL && is_equal(hash, k->want) && k->is_user;
}

static struct known *
known_at(struct bt_auth *auth, const struct bt_sip_hash *hash)
{
	return &auth->known[hash->h[0] % KNOWN];
}

static bool
is_known(struct bt_auth *auth, const struct bt_sip_hash *hash, int64_t now_ms)
{
	const struct known *k = known_at(auth, hash);

	return ((k->hash.h[0] ^ hash->h[0]) | (k->hash.h[1] ^ hash->h[1])) ==
	    0 &&
	    now_ms < k->until_ms;
}

/* 401: who are you? */
static void
ask(struct baton_exchange *x)
{
	bt_reply_error(x, 401,
	    bt_arena_printf(&x->arena,
		"WWW-Authenticate: Basic realm=\"%.*s\", charset=\"UTF-8\"\r\n",
		BT_STR_ARG(x->route->conf->scope.auth->realm)));
}

/* Those that wait, as far as they may; who is gone is passed over. */
static void
start_next(struct bt_auth *auth)
{
	struct check *k;

	while (auth->running < auth->running_max &&
	    (k = STAILQ_FIRST(&auth->line)) != NULL) {
		bool wanted = k->work.x != NULL;

		if (wanted && bt_work_release(auth->offload, &k->work) < 0)
			return;
		STAILQ_REMOVE_HEAD(&auth->line, link);
		auth->waiting--;
		if (wanted)
			auth->running++;
		else
			check_free(k);
	}
}

/* The threads take nothing, and nobody is left who would try it again. */
static void
send_home(struct bt_auth *auth)
{
	struct check *k;

	while ((k = STAILQ_FIRST(&auth->line)) != NULL) {
		struct baton_exchange *x = k->work.x;

		STAILQ_REMOVE_HEAD(&auth->line, link);
		auth->waiting--;
		check_free(k);
		if (x == NULL)
			continue;
		x->work = NULL;
		bt_stages_end(x);
		bt_reply_busy(x);
		x->services->resume(x);
	}
}

static void
done(struct bt_work *work)
{
	struct check *k = (struct check *)work;
	struct baton_exchange *x = work->x;
	struct bt_auth *auth = k->auth;

	if (k->right && x != NULL)
		*known_at(auth, &k->hash) =
		    (struct known){ k->hash, x->services->now->ms + KNOWN_MS };
	auth->running--;
	if (x != NULL && k->right) {
		x->user = bt_arena_copy(&x->arena, k->user);
		bt_stages_go_on(x);
	} else if (x != NULL) {
		bt_stages_end(x);
		ask(x);
	}
	check_free(k);
	start_next(auth);
	if (auth->running == 0)
		send_home(auth);
}

/* Of the list, too: the same name may have another password elsewhere. */
static struct bt_sip_hash
hash_of(const struct bt_auth *auth, const struct bt_conf_auth *list,
    const struct bt_credentials *c)
{
	struct bt_buf b = { 0 };
	struct bt_sip_hash hash;

	bt_buf_append(&b, &list, sizeof(list));
	bt_buf_append(&b, c->user.p, c->user.n);
	bt_buf_putc(&b, ':');
	bt_buf_append(&b, c->password.p, c->password.n);
	hash = bt_siphash(&auth->key, bt_buf_str(&b));
	explicit_bzero(b.data, b.len);
	bt_buf_fini(&b);
	return hash;
}

static struct check *
check_new(struct bt_auth *auth, const struct bt_conf_auth *list,
    const struct bt_credentials *c, struct bt_sip_hash hash)
{
	size_t n = c->user.n + c->password.n + 2;
	struct check *k = bt_mem_zero(1, sizeof(*k) + n);
	const struct bt_conf_user *user;

	memcpy(k->bytes, c->user.p, c->user.n);
	k->user = (struct bt_str){ k->bytes, c->user.n };
	k->password = k->bytes + c->user.n + 1;
	if (c->password.n > 0)
		memcpy(k->password, c->password.p, c->password.n);
	k->auth = auth;
	k->work.run = run;
	k->work.done = done;
	k->hash = hash;
	user = bt_conf_user_find(list, k->bytes);
	k->is_user = user != NULL;
	k->want = user ? user->hash : list->users[0].hash;
	return k;
}

static enum baton_step
verify(struct baton_exchange *x, const struct bt_credentials *c)
{
	const struct bt_conf_auth *list = x->route->conf->scope.auth;
	struct bt_auth *auth = x->services->auth;
	struct bt_sip_hash hash = hash_of(auth, list, c);
	struct check *k;

	if (is_known(auth, &hash, x->services->now->ms)) {
		x->user = c->user;
		return BATON_NEXT;
	}
	if (auth->waiting == WAITING_MAX) {
		bt_reply_busy(x);
		return BATON_ANSWERED;
	}
	k = check_new(auth, list, c, hash);
	bt_work_hold(x, &k->work);
	STAILQ_INSERT_TAIL(&auth->line, k, link);
	auth->waiting++;
	start_next(auth);
	if (auth->running > 0)
		return BATON_WAIT;
	STAILQ_REMOVE(&auth->line, k, check, link);
	auth->waiting--;
	check_free(k);
	x->work = NULL;
	bt_reply_busy(x);
	return BATON_ANSWERED;
}

static bool
is_on(const struct bt_route *route)
{
	return route->conf->scope.auth != NULL;
}

static enum baton_step
enter(struct baton_exchange *x)
{
	const struct bt_conf_auth *list = x->route->conf->scope.auth;
	struct bt_credentials c;

	if (x->services->auth == NULL) {
		bt_reply_busy(x);
		return BATON_ANSWERED;
	}
	if ((x->request.repeated & 1u << BT_FIELD_AUTHORIZATION) ||
	    bt_basic_parse(
		bt_request_known(&x->request, BT_FIELD_AUTHORIZATION),
		&x->arena, &c) < 0 ||
	    c.user.n == 0 || list->users_n == 0) {
		ask(x);
		return BATON_ANSWERED;
	}
	return verify(x, &c);
}

const struct bt_stage bt_stage_auth = {
	.stage = { .name = "basic_auth", .enter = enter },
	.is_on = is_on,
};
