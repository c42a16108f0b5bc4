/*
 * Request ids: a keyed hash of the connection's number and the exchange's on
 * it.  The key is as old as the service, so that no id comes again while it
 * runs, whatever is reloaded or upgraded, and in another one there are others.
 * Worker, on the loop.
 */

#include "handlers/request_id.h"

#include "base/siphash.h"

void
bt_request_id_format(
    const struct baton_exchange *x, char out[static BT_REQUEST_ID_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	const uint64_t numbers[] = { x->baton->id, x->baton->requests };
	struct bt_sip_hash hash = bt_siphash(&x->services->board->key,
	    (struct bt_str){ (const char *)numbers, sizeof(numbers) });

	for (unsigned i = 0; i < BT_REQUEST_ID_BYTES; i++)
		out[i] = hex[hash.h[i / 16] >> (60 - i % 16 * 4) & 15];
}
