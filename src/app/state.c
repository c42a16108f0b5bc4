/*
 * The public codec of states.  A field begins with a byte of three bits of type
 * and a small number, which goes on in further bytes when it does not fit:
 *
 *	bit   7 6 5   4      3 2 1 0
 *	      type    more   the lowest four bits of the number
 *
 * then seven bits a byte, the lowest first, the top bit saying "more", as in
 * Protocol Buffers.  The number is the value itself (signed ones in zigzag), or
 * the length of what follows.  A value has one encoding: what is longer than it
 * need be is refused.  Texts are followed by a NUL, so that they are read in
 * place.  The version is a field like others, the first.
 *
 * Any process and thread: it looks at nothing but its arguments.
 */

#include <baton/state.h>
#include <baton/suspend.h>
#include <errno.h>
#include <string.h>

#define HEAD_MAX 10 /* 4 + 9 * 7 = 67 bits */
#define GROWS_BY 64 /* at first */

enum type {
	TYPE_VERSION,
	TYPE_U64,
	TYPE_I64,
	TYPE_BOOL,
	TYPE_DOUBLE,
	TYPE_TEXT,
	TYPE_BYTES,
	TYPE_LIST,
};

/* --- writing --- */

static void
fail_writing(struct baton_state_writer *w, int error)
{
	w->error = error;
	w->n = 0;
}

/* More of the exchange's memory, twice as much each time. */
static bool
grow(struct baton_state_writer *w, size_t n)
{
	size_t room = w->room > 0 ? w->room * 2 : GROWS_BY;
	unsigned char *bytes;

	if (w->grows_in == NULL || n > BATON_STATE_MAX - w->n)
		return false;
	while (room < w->n + n)
		room *= 2;
	bytes = baton_alloc(w->grows_in, room);
	if (w->n > 0)
		memcpy(bytes, w->bytes, w->n);
	w->bytes = bytes;
	w->room = room;
	return true;
}

/* Room for `n` bytes more, or an error. */
static bool
reserve(struct baton_state_writer *w, size_t n)
{
	if (w->error != 0)
		return false;
	if (w->n > BATON_STATE_MAX || n > BATON_STATE_MAX - w->n ||
	    (n > w->room - w->n && !grow(w, n))) {
		fail_writing(w, -ENOBUFS);
		return false;
	}
	return true;
}

static size_t
encode_head(unsigned char out[static HEAD_MAX], enum type type, uint64_t v)
{
	size_t n = 0;

	out[n++] = (unsigned char)((unsigned)type << 5 | (v & 15));
	v >>= 4;
	if (v > 0)
		out[0] |= 16;
	while (v > 0) {
		out[n++] = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
		v >>= 7;
	}
	return n;
}

/* A field: its head, then `n` bytes.  Whole, or not at all. */
static void
put(struct baton_state_writer *w, enum type type, uint64_t v, const void *bytes,
    size_t n)
{
	unsigned char head[HEAD_MAX];
	size_t head_n = encode_head(head, type, v);

	if (n > BATON_STATE_MAX) {
		if (w->error == 0)
			fail_writing(w, -ENOBUFS);
		return;
	}
	if (!reserve(w, head_n + n))
		return;
	memcpy(w->bytes + w->n, head, head_n);
	w->n += head_n;
	if (n > 0)
		memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
}

static void
begin(struct baton_state_writer *w, unsigned version)
{
	if (version == 0 || version > BATON_STATE_VERSION_MAX)
		fail_writing(w, -EINVAL);
	else
		put(w, TYPE_VERSION, version, NULL, 0);
}

void
baton_state_write(
    struct baton_state_writer *w, struct baton_exchange *x, unsigned version)
{
	*w = (struct baton_state_writer){ .grows_in = x };
	begin(w, version);
}

void
baton_state_write_to(
    struct baton_state_writer *w, void *room, size_t n, unsigned version)
{
	*w = (struct baton_state_writer){ .bytes = room, .room = n };
	begin(w, version);
}

void
baton_state_put_u64(struct baton_state_writer *w, uint64_t v)
{
	put(w, TYPE_U64, v, NULL, 0);
}

/* Zigzag: 0, -1, 1, -2 … are 0, 1, 2, 3 …, so that small ones stay short. */
void
baton_state_put_i64(struct baton_state_writer *w, int64_t v)
{
	put(w, TYPE_I64, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0), NULL, 0);
}

void
baton_state_put_bool(struct baton_state_writer *w, bool v)
{
	put(w, TYPE_BOOL, v, NULL, 0);
}

/* IEEE 754, the lowest byte first. */
void
baton_state_put_double(struct baton_state_writer *w, double v)
{
	unsigned char bytes[8];
	uint64_t bits;

	_Static_assert(sizeof(v) == sizeof(bits), "another kind of double");
	memcpy(&bits, &v, sizeof(bits));
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(bits >> (8 * i));
	put(w, TYPE_DOUBLE, 0, bytes, sizeof(bytes));
}

void
baton_state_put_text(struct baton_state_writer *w, const char *text)
{
	size_t n = strlen(text);

	put(w, TYPE_TEXT, n, text, n + 1);
}

void
baton_state_put_bytes(struct baton_state_writer *w, const void *bytes, size_t n)
{
	put(w, TYPE_BYTES, n, bytes, n);
}

void
baton_state_put_list(struct baton_state_writer *w, size_t n)
{
	put(w, TYPE_LIST, n, NULL, 0);
}

/* --- reading --- */

static void
fail_reading(struct baton_state_reader *r, int error)
{
	if (r->error == 0)
		r->error = error;
	r->at = r->end;
}

/*
 * The number behind the first four bits.  The last byte may not be 0, which
 * would say nothing, and nothing may stand beyond 64 bits.
 */
static bool
decode_rest(struct baton_state_reader *r, uint64_t *v)
{
	for (unsigned shift = 4; r->at < r->end && shift < 64; shift += 7) {
		uint64_t byte = *r->at++;
		uint64_t bits = byte & 127;

		if (bits << shift >> shift != bits)
			return false;
		*v |= bits << shift;
		if (byte < 128)
			return byte != 0;
	}
	return false;
}

/* The number of a field that must have that type; 0 after an error. */
static uint64_t
get(struct baton_state_reader *r, enum type type)
{
	unsigned head;
	uint64_t v;

	if (r->at == r->end) { /* also after an error */
		fail_reading(r, -EBADMSG);
		return 0;
	}
	head = *r->at++;
	v = head & 15;
	if (head >> 5 != (unsigned)type ||
	    ((head & 16) != 0 && !decode_rest(r, &v))) {
		fail_reading(r, -EBADMSG);
		return 0;
	}
	return v;
}

/* `n` bytes of a field; NULL, and an error, when they are not there. */
static const unsigned char *
take(struct baton_state_reader *r, uint64_t n)
{
	const unsigned char *bytes = r->at;

	if (r->error != 0)
		return NULL;
	if (n > (uint64_t)(r->end - r->at)) {
		fail_reading(r, -EBADMSG);
		return NULL;
	}
	r->at += n;
	return bytes;
}

int
baton_state_read(struct baton_state_reader *r, const void *state, size_t n,
    unsigned oldest, unsigned newest)
{
	static const unsigned char none[1];
	uint64_t version;

	*r = (struct baton_state_reader){ .at = none, .end = none };
	if (n > 0) {
		r->at = state;
		r->end = r->at + n;
	}
	version = get(r, TYPE_VERSION);
	if (version == 0 || version > BATON_STATE_VERSION_MAX)
		fail_reading(r, -EBADMSG);
	else if (version < oldest)
		fail_reading(r, -ESTALE);
	else if (version > newest)
		fail_reading(r, -ENOTSUP);
	return r->error != 0 ? r->error : (int)version;
}

uint64_t
baton_state_get_u64(struct baton_state_reader *r)
{
	return get(r, TYPE_U64);
}

int64_t
baton_state_get_i64(struct baton_state_reader *r)
{
	uint64_t v = get(r, TYPE_I64);

	return (int64_t)(v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0));
}

bool
baton_state_get_bool(struct baton_state_reader *r)
{
	uint64_t v = get(r, TYPE_BOOL);

	if (v > 1)
		fail_reading(r, -EBADMSG);
	return v == 1;
}

double
baton_state_get_double(struct baton_state_reader *r)
{
	const unsigned char *bytes;
	uint64_t bits = 0;
	double v;

	if (get(r, TYPE_DOUBLE) != 0)
		fail_reading(r, -EBADMSG);
	if ((bytes = take(r, 8)) == NULL)
		return 0;
	for (int i = 0; i < 8; i++)
		bits |= (uint64_t)bytes[i] << (8 * i);
	memcpy(&v, &bits, sizeof(v));
	return v;
}

const char *
baton_state_get_text(struct baton_state_reader *r)
{
	uint64_t n = get(r, TYPE_TEXT);
	/* a length of all ones has no room for the NUL: refused below */
	const unsigned char *text = take(r, n < UINT64_MAX ? n + 1 : n);

	if (text == NULL)
		return "";
	if (memchr(text, '\0', n + 1) != text + n) {
		fail_reading(r, -EBADMSG);
		return "";
	}
	return (const char *)text;
}

const void *
baton_state_get_bytes(struct baton_state_reader *r, size_t *ret_n)
{
	uint64_t n = get(r, TYPE_BYTES);
	const unsigned char *bytes = take(r, n);

	*ret_n = bytes != NULL ? n : 0;
	return bytes != NULL ? (const void *)bytes : "";
}

size_t
baton_state_get_list(struct baton_state_reader *r)
{
	uint64_t n = get(r, TYPE_LIST);

	if (n > (uint64_t)(r->end - r->at)) {
		fail_reading(r, -EBADMSG);
		return 0;
	}
	return n;
}

bool
baton_state_done(const struct baton_state_reader *r)
{
	return r->error == 0 && r->at == r->end;
}
