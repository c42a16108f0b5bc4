/*
 * The chain of stores.  Worker, on the loop; what is on disk is for a thread.
 */

#include "app/chain.h"

#include "app/load.h"
#include "app/memory.h"
#include "app/revoked.h"
#include "app/token.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/offload.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

/* Records that go from memory to disk by one job. */
#define SPILL_MAX 256
/* Between two steps of the sweep, of which 64 see all of the disk. */
#define SWEEP_MS 1000

/* A job that moves the oldest records of the memory to the disk. */
struct spill {
	struct bt_job job;
	struct bt_stores *stores;
	struct bt_memory_victim victims[SPILL_MAX];
	size_t n;
	struct bt_buf copy;
	int result;
	bool busy;
};

/* A job that looks through some of the disk. */
struct sweep {
	struct bt_job job;
	struct bt_disk *disk;
	int64_t now_s, due_ms;
	int result;
	bool busy;
};

struct bt_stores {
	const struct bt_services *services;
	const struct bt_keys *keys;
	struct bt_shared *shared;
	struct bt_disk *disk; /* NULL: none */
	struct spill spill;
	struct sweep sweep;
};

struct bt_stores *
bt_stores_new(const struct bt_services *services)
{
	const struct bt_conf *conf = services->conf;
	const struct bt_loaded_conf *loaded = conf->loaded;
	struct bt_stores *s = bt_mem_zero(1, sizeof(*s));

	s->services = services;
	s->keys = &loaded->keys;
	s->shared = loaded->shared;
	s->spill.stores = s;
	if (conf->disk.folder != NULL)
		s->disk = bt_disk_new(conf->disk.folder, conf->disk.bytes,
		    conf->disk.records, &s->shared->disk_bytes,
		    &s->shared->disk_files);
	bt_shared_lock(s->shared);
	bt_memory_set_limit(
	    bt_shared_memory(s->shared), conf->memory_store_bytes);
	bt_shared_unlock(s->shared);
	return s;
}

void
bt_stores_free(struct bt_stores *s)
{
	struct bt_score_worker *score;

	if (s == NULL)
		return;
	score = s->services->score; /* another worker says it from now on */
	bt_score_set(&score->memory_store_records, 0);
	bt_score_set(&score->memory_store_bytes, 0);
	bt_score_set(&score->memory_store_lost, 0);
	bt_score_set(&score->disk_store_records, 0);
	bt_score_set(&score->disk_store_bytes, 0);
	bt_disk_free(s->disk);
	bt_buf_fini(&s->spill.copy);
	free(s);
}

const struct bt_keys *
bt_stores_keys(const struct bt_stores *s)
{
	return s->keys;
}

struct bt_disk *
bt_stores_disk(const struct bt_stores *s)
{
	return s->disk;
}

/* --- from memory to disk --- */

static void
run_spill(struct bt_job *job)
{
	struct spill *p = (struct spill *)job;
	struct bt_disk_record *records =
	    bt_mem_zero(p->n + 1, sizeof(*records));

	for (size_t i = 0; i < p->n; i++) {
		records[i].expires_s = p->victims[i].expires_s;
		records[i].bytes = p->victims[i].bytes;
		memcpy(records[i].name, p->victims[i].name, BT_NAME_BYTES);
	}
	p->result = bt_disk_put_all(p->stores->disk, records, p->n);
	free(records);
}

static void
spill_done(struct bt_job *job)
{
	struct spill *p = (struct spill *)job;
	struct bt_shared *shared = p->stores->shared;

	p->busy = false;
	if (p->result < 0) {
		bt_log_warn(NULL, p->result,
		    "continuations cannot be moved from memory to %s",
		    p->stores->services->conf->disk.folder);
		bt_shared_lock(shared);
		bt_memory_not_spilled(bt_shared_memory(shared));
		bt_shared_unlock(shared);
		return;
	}
	bt_score_add(&p->stores->services->score->continuations_spilled, p->n);
	bt_shared_lock(shared);
	bt_memory_spilled(bt_shared_memory(shared), p->victims, p->n);
	bt_shared_unlock(shared);
}

/* With the lock held. */
static void
spill(struct bt_stores *s, int64_t now_s)
{
	struct bt_memory *m = bt_shared_memory(s->shared);
	struct spill *p = &s->spill;

	if (s->disk == NULL || p->busy || !bt_memory_is_high(m))
		return;
	bt_buf_clear(&p->copy);
	p->n = bt_memory_victims(m, now_s, p->victims, SPILL_MAX, &p->copy);
	p->result = -ECANCELED; /* unless it is run */
	p->job = (struct bt_job){ .run = run_spill, .done = spill_done };
	p->busy =
	    p->n > 0 && bt_offload_submit(s->services->offload, &p->job) == 0;
}

/* --- now and then --- */

static void
run_sweep(struct bt_job *job)
{
	struct sweep *p = (struct sweep *)job;

	p->result = bt_disk_sweep(p->disk, p->now_s);
}

static void
sweep_done(struct bt_job *job)
{
	struct sweep *p = (struct sweep *)job;

	p->busy = false;
	if (p->result < 0)
		bt_log_warn(NULL, p->result,
		    "continuations on disk cannot be looked through");
}

static void
sweep(struct bt_stores *s)
{
	const struct bt_now *now = s->services->now;
	struct sweep *p = &s->sweep;

	if (s->disk == NULL || p->busy || now->ms < p->due_ms)
		return;
	p->due_ms = now->ms + SWEEP_MS;
	p->disk = s->disk;
	p->now_s = now->wall_s;
	p->result = 0;
	p->job = (struct bt_job){ .run = run_sweep, .done = sweep_done };
	p->busy = bt_offload_submit(s->services->offload, &p->job) == 0;
}

void
bt_stores_tick(struct bt_stores *s)
{
	struct bt_score_worker *score = s->services->score;
	struct bt_memory_counts counts;

	if (!s->services->says)
		return; /* one does it for all */
	counts = bt_memory_counts(bt_shared_memory(s->shared));
	bt_score_set(&score->memory_store_records, counts.records);
	bt_score_set(&score->memory_store_bytes, counts.bytes);
	bt_score_set(&score->memory_store_lost, counts.lost);
	bt_score_set(
	    &score->disk_store_records, atomic_load(&s->shared->disk_files));
	bt_score_set(
	    &score->disk_store_bytes, atomic_load(&s->shared->disk_bytes));
	sweep(s);
}

/* --- putting --- */

static int
put_memory(struct bt_stores *s, const unsigned char name[static BT_NAME_BYTES],
    struct bt_str bytes, int64_t expires_s)
{
	struct bt_memory *m = bt_shared_memory(s->shared);
	int64_t now_s = s->services->now->wall_s;
	bool spills = s->services->conf->memory_spills;
	int r;

	bt_shared_lock(s->shared);
	r = bt_memory_put(m, name, bytes, expires_s, now_s, spills);
	if (spills)
		spill(s, now_s);
	bt_shared_unlock(s->shared);
	return r;
}

static void
note_lifetime(struct bt_stores *s, int64_t expires_s)
{
	int64_t seconds = expires_s - s->services->now->wall_s;
	uint32_t longest = atomic_load(&s->shared->lifetime_max_s);

	while (seconds > longest &&
	    !atomic_compare_exchange_weak(
		&s->shared->lifetime_max_s, &longest, (uint32_t)seconds))
		;
}

int
bt_chain_put(struct bt_stores *s, const struct bt_conf_scope *scope,
    const struct bt_record *record, struct bt_arena *a,
    struct bt_str *ret_token, struct bt_chain_write *ret_write)
{
	struct bt_score_worker *score = s->services->score;
	struct bt_buf encoded = { 0 };
	unsigned char name[BT_NAME_BYTES];
	struct bt_str bytes;

	bt_record_encode(record, &encoded);
	bytes = bt_arena_copy(a, bt_buf_str(&encoded));
	bt_buf_fini(&encoded);
	bt_keys_name(s->keys, bytes, name);
	note_lifetime(s, record->expires_s);
	ret_write->needed = false;
	for (size_t i = 0; i < scope->stores_n; i++) {
		const struct bt_conf_store *store = &scope->stores[i];

		switch (store->kind) {
		case BT_STORE_URL:
			*ret_token =
			    bt_token_seal(s->keys, record->app, bytes, a);
			if (ret_token->n > store->bytes)
				continue;
			bt_score_add(&score->suspended[BT_STORE_URL], 1);
			return 0;
		case BT_STORE_MEMORY:
			if (put_memory(s, name, bytes, record->expires_s) < 0)
				continue;
			bt_score_add(&score->suspended[BT_STORE_MEMORY], 1);
			*ret_token = bt_token_of_name(name, a);
			return 0;
		case BT_STORE_DISK:
			ret_write->needed = true;
			ret_write->record = (struct bt_disk_record){
				.expires_s = record->expires_s, .bytes = bytes
			};
			memcpy(ret_write->record.name, name, sizeof(name));
			bt_score_add(&score->suspended[BT_STORE_DISK], 1);
			*ret_token = bt_token_of_name(name, a);
			return 0;
		}
	}
	return -ENOSPC;
}

/* --- getting --- */

/* What stands for a record among what was revoked. */
static uint64_t
key_of(const unsigned char name[static BT_NAME_BYTES])
{
	uint64_t key;

	memcpy(&key, name, sizeof(key));
	return key;
}

int
bt_chain_decode(uint32_t app, struct bt_str bytes, struct bt_arena *a,
    struct bt_chain_found *ret)
{
	if (bt_record_decode(bytes, &ret->record) < 0)
		return -EBADMSG;
	/* another's is as good as none */
	return ret->record.app == app ? 0 : -ENOENT;
}

static int
get_sealed(struct bt_stores *s, uint32_t app, struct bt_str token,
    struct bt_arena *a, struct bt_chain_found *ret)
{
	struct bt_str bytes;
	int r = bt_token_open(s->keys, app, token, a, &bytes);

	if (r < 0)
		return r;
	ret->kept = false;
	bt_keys_name(s->keys, bytes, ret->name);
	return bt_chain_decode(app, bytes, a, ret);
}

/* With the lock held: one that is used is gone from its store. */
static bool
is_used(struct bt_stores *s, const unsigned char name[static BT_NAME_BYTES])
{
	return bt_revoked_value(bt_shared_revoked(s->shared), key_of(name),
		   INT64_MAX, s->services->now->wall_s) != 0;
}

bool
bt_chain_is_used(
    struct bt_stores *s, const unsigned char name[static BT_NAME_BYTES])
{
	bool used;

	bt_shared_lock(s->shared);
	used = is_used(s, name);
	bt_shared_unlock(s->shared);
	return used;
}

static int
get_kept(struct bt_stores *s, uint32_t app, struct bt_arena *a,
    struct bt_chain_found *ret)
{
	struct bt_buf buf = { 0 };
	int64_t now_s = s->services->now->wall_s;
	struct bt_str bytes;
	int r;

	ret->kept = true;
	bt_shared_lock(s->shared);
	if (is_used(s, ret->name))
		r = -EALREADY;
	else
		r = bt_memory_get(
		    bt_shared_memory(s->shared), ret->name, now_s, &buf);
	bt_shared_unlock(s->shared);
	if (r < 0) {
		bt_buf_fini(&buf);
		return r == -ENOENT && s->disk != NULL ? -EAGAIN : r;
	}
	bytes = bt_arena_copy(a, bt_buf_str(&buf));
	bt_buf_fini(&buf);
	return bt_chain_decode(app, bytes, a, ret);
}

int
bt_chain_get(struct bt_stores *s, uint32_t app, struct bt_str token,
    struct bt_arena *a, struct bt_chain_found *ret)
{
	switch (bt_token_form(token)) {
	case BT_TOKEN_SEALED:
		return get_sealed(s, app, token, a, ret);
	case BT_TOKEN_NAME:
		if (bt_token_read_name(token, ret->name) < 0)
			return -EBADMSG;
		return get_kept(s, app, a, ret);
	default:
		return -EBADMSG;
	}
}

/* --- what may be followed --- */

/* With the lock held: a negative verdict, or 0. */
static int
check_revoked(struct bt_stores *s, const struct bt_chain_found *f)
{
	struct bt_revoked *revoked = bt_shared_revoked(s->shared);
	const struct bt_record *r = &f->record;
	int64_t now_s = s->services->now->wall_s;
	uint64_t key = key_of(f->name);

	if (bt_revoked_value(revoked, r->conversation, r->expires_s, now_s) >
	    r->generation)
		return -1 - BATON_LOST_REVOKED;
	if (!(r->flags & BT_RECORD_ONCE))
		return 0;
	if (bt_revoked_value(revoked, key, r->expires_s, now_s) != 0)
		return -1 - BATON_LOST_USED;
	bt_revoked_set(revoked, key, 1, r->expires_s, now_s);
	return 0;
}

/* A record that nobody can follow any more leaves the disk. */
struct removal {
	struct bt_job job;
	struct bt_disk *disk;
	unsigned char name[BT_NAME_BYTES];
};

static void
run_removal(struct bt_job *job)
{
	struct removal *r = (struct removal *)job;

	bt_disk_remove(r->disk, r->name);
}

static void
removal_done(struct bt_job *job)
{
	free(job);
}

/* So that it is used after a restart, too; else the sweep takes it. */
static void
remove_used(struct bt_stores *s, const struct bt_chain_found *f)
{
	struct removal *r;

	if (s->disk == NULL)
		return;
	r = bt_mem_zero(1, sizeof(*r));
	r->job = (struct bt_job){ .run = run_removal, .done = removal_done };
	r->disk = s->disk;
	memcpy(r->name, f->name, BT_NAME_BYTES);
	if (bt_offload_submit(s->services->offload, &r->job) < 0)
		free(r);
}

int
bt_chain_follow(struct bt_stores *s, const struct bt_chain_found *f)
{
	int verdict;

	if (f->record.expires_s < s->services->now->wall_s)
		return -1 - BATON_LOST_EXPIRED;
	/* sealed before the segment was there, it is not known to it yet */
	note_lifetime(s, f->record.expires_s);
	bt_shared_lock(s->shared);
	verdict = check_revoked(s, f);
	if (verdict == 0 && f->kept && (f->record.flags & BT_RECORD_ONCE))
		bt_memory_remove(bt_shared_memory(s->shared), f->name);
	bt_shared_unlock(s->shared);
	if (verdict == 0 && f->kept && (f->record.flags & BT_RECORD_ONCE))
		remove_used(s, f);
	return verdict;
}

uint32_t
bt_chain_revoke(struct bt_stores *s, uint64_t conversation, uint32_t generation)
{
	struct bt_revoked *revoked = bt_shared_revoked(s->shared);
	int64_t now_s = s->services->now->wall_s;
	int64_t until_s = now_s + atomic_load(&s->shared->lifetime_max_s);
	uint32_t next;

	bt_shared_lock(s->shared);
	next = bt_revoked_value(revoked, conversation, until_s + 1, now_s);
	if (next < generation || next == UINT32_MAX) /* which means: unknown */
		next = generation;
	next++;
	bt_revoked_set(revoked, conversation, next, until_s, now_s);
	bt_shared_unlock(s->shared);
	return next;
}
