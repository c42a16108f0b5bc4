/*
 * `basic_auth`: who may come in by name and password.  The file is read with
 * the conf, by the master, which may read what workers may not; a reload reads
 * it again.  Its lines have hashes, so a message names the line and does not
 * show it.  Runs in the master, or in `baton -t`.
 */

#include "conf/build.h"

#include <crypt.h>
#include <limits.h>
#include <stdlib.h>

/* The hashes that crypt(3) knows and that are slow on purpose. */
static const char *const slow[] = { "$y$", "$gy$", "$7$", "$2a$", "$2b$",
	"$2y$", "$6$", "$5$" };

/* Each of bcrypt's has that length: crypt_checksalt(3) does not look. */
enum { BCRYPT_BYTES = 60 };

static bool
is_slow(struct bt_str hash)
{
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++)
		if (bt_str_has_prefix(hash, bt_str_of(slow[i])))
			return true;
	return false;
}

/* Why the hash is not taken; NULL: it is.  Ends with a NUL. */
static const char *
why_not_hash(struct bt_str hash)
{
	if (bt_str_has_prefix(hash, BT_STR("$apr1$")) ||
	    bt_str_has_prefix(hash, BT_STR("$1$")))
		return "MD5 is too weak, use bcrypt: htpasswd -B";
	if (bt_str_has_prefix(hash, BT_STR("{SHA}")) ||
	    bt_str_has_prefix(hash, BT_STR("{SSHA}")))
		return "SHA-1 is too weak, use bcrypt: htpasswd -B";
	if (!is_slow(hash))
		return "the password is not hashed by bcrypt, yescrypt, "
		       "scrypt or SHA-crypt: htpasswd -B makes bcrypt";
	if (hash.n >= CRYPT_OUTPUT_SIZE ||
	    (bt_str_has_prefix(hash, BT_STR("$2")) && hash.n != BCRYPT_BYTES) ||
	    memchr(hash.p, '\0', hash.n) ||
	    crypt_checksalt(hash.p) == CRYPT_SALT_INVALID)
		return "the hash is malformed";
	if (crypt_checksalt(hash.p) == CRYPT_SALT_METHOD_DISABLED)
		return "the system's crypt(3) does not have that hash";
	return NULL;
}

static int
compare_users(const void *va, const void *vb)
{
	const struct bt_conf_user *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

const struct bt_conf_user *
bt_conf_user_find(const struct bt_conf_auth *auth, const char *name)
{
	const struct bt_conf_user key = { .name = name };

	return auth->users_n == 0 ? NULL
				  : bsearch(&key, auth->users, auth->users_n,
					sizeof(key), compare_users);
}

/* The next line of the text, without its end. */
static struct bt_str
take_line(struct bt_str *text)
{
	const char *lf = memchr(text->p, '\n', text->n);
	struct bt_str line = { text->p, lf ? (size_t)(lf - text->p) : text->n };

	text->p += line.n + (lf != NULL);
	text->n -= line.n + (lf != NULL);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* `name:hash`, and what stands behind another colon is a comment. */
static const char *
parse_user(struct bt_build *b, struct bt_str line, struct bt_conf_user *ret)
{
	const char *colon = memchr(line.p, ':', line.n), *end;
	struct bt_str name, hash;

	if (colon == NULL || colon == line.p)
		return "expected NAME:HASH";
	name = (struct bt_str){ line.p, (size_t)(colon - line.p) };
	hash = (struct bt_str){ colon + 1, line.n - name.n - 1 };
	if ((end = memchr(hash.p, ':', hash.n)) != NULL)
		hash.n = (size_t)(end - hash.p);
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return "a name has no control bytes";
	hash = bt_build_copy(b, hash);
	ret->name = bt_build_copy(b, name).p;
	ret->hash = hash.p;
	return why_not_hash(hash);
}

static void
read_users(struct bt_build *b, const struct bt_node *n, struct bt_str text,
    struct bt_conf_auth *auth)
{
	struct bt_conf_user *users;
	size_t lines = 1;
	unsigned line_no = 0;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	auth->users = users = bt_build_array(b, lines, sizeof(*users));
	while (text.n > 0) {
		struct bt_str line = bt_str_trim(take_line(&text));
		const char *why;

		line_no++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		why = parse_user(b, line, &users[auth->users_n]);
		if (why != NULL) {
			bt_build_error(
			    b, n, 2, "%s:%u: %s", auth->file, line_no, why);
			return;
		}
		auth->users_n++;
	}
	qsort(users, auth->users_n, sizeof(*users), compare_users);
	for (size_t i = 1; i < auth->users_n; i++)
		if (strcmp(users[i - 1].name, users[i].name) == 0)
			bt_build_error(b, n, 2, "%s: %s is there twice",
			    auth->file,
			    bt_report_quote(
				b->report, bt_str_of(users[i].name)));
}

static bool
check_realm(struct bt_build *b, const struct bt_node *n)
{
	struct bt_str realm = n->words[1].text;

	for (size_t i = 0; i < realm.n; i++)
		if ((unsigned char)realm.p[i] < 0x20 || realm.p[i] == 0x7f ||
		    realm.p[i] == '"' || realm.p[i] == '\\') {
			bt_build_error(b, n, 1,
			    "a realm has no quotes, backslashes or control "
			    "bytes");
			return false;
		}
	return bt_build_check_variables(b, n, 1);
}

void
bt_set_basic_auth(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_source *source;
	struct bt_conf_auth *auth;
	int r;

	b->frame->scope->auth = NULL;
	if (n->words_n == 2) {
		if (!bt_str_equal(n->words[1].text, BT_STR("off")))
			bt_report_add(b->report, n->source, n->end,
			    "too few arguments: basic_auth %s",
			    n->directive->syntax);
		return;
	}
	if (!check_realm(b, n) || !bt_build_check_path(b, n, 2, PATH_MAX - 1))
		return;
	auth = bt_arena_zero(&b->conf->arena, sizeof(*auth));
	auth->realm = bt_build_copy(b, n->words[1].text);
	auth->file = bt_build_copy(b, n->words[2].text).p;
	b->frame->scope->auth = auth;
	if (n->source->folder == NULL)
		return; /* a text in memory names files, and opens none */
	r = bt_source_open(b->report, auth->file, n->source, &source);
	if (r < 0)
		bt_build_error(
		    b, n, 2, "%s: %s", bt_build_quote(b, n, 2), strerror(-r));
	else
		read_users(b, n, source->text, auth);
}
