/*
 * States as a client might send them, were they not sealed: nothing is read
 * outside of one, and what is read without an error is written as the same
 * bytes again, so that a state has one meaning and a meaning has one state.
 */

#include <baton/state.h>
#include <baton/suspend.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next field, as what it says it is; from one to the other. */
static void
copy_field(struct baton_state_reader *r, struct baton_state_writer *w)
{
	const void *bytes;
	size_t n;

	switch (*r->at >> 5) { /* the type, see src/app/state.c */
	case 1:
		baton_state_put_u64(w, baton_state_get_u64(r));
		break;
	case 2:
		baton_state_put_i64(w, baton_state_get_i64(r));
		break;
	case 3:
		baton_state_put_bool(w, baton_state_get_bool(r));
		break;
	case 4:
		baton_state_put_double(w, baton_state_get_double(r));
		break;
	case 5:
		baton_state_put_text(w, baton_state_get_text(r));
		break;
	case 6:
		bytes = baton_state_get_bytes(r, &n);
		baton_state_put_bytes(w, bytes, n);
		break;
	default: /* 0 is none, which a list is not either */
		baton_state_put_list(w, baton_state_get_list(r));
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char room[BATON_STATE_MAX];
	struct baton_state_reader r;
	struct baton_state_writer w;
	int version =
	    baton_state_read(&r, data, size, 1, BATON_STATE_VERSION_MAX);

	if (version < 0)
		return 0;
	baton_state_write_to(&w, room, sizeof(room), (unsigned)version);
	while (r.at < r.end)
		copy_field(&r, &w);
	if (!baton_state_done(&r) || size > BATON_STATE_MAX)
		return 0;
	if (w.error != 0 || w.n != size || memcmp(w.bytes, data, size) != 0)
		abort();
	return 0;
}
