#ifndef BT_BASE_HUMAN_H
#define BT_BASE_HUMAN_H

/* Quantities as people read them.  UTF-8, at most BT_HUMAN_MAX bytes. */

#include <stdint.h>

#define BT_HUMAN_MAX 40 /* with the NUL */

/* `7.0 MB`: decimal units. */
void bt_human_bytes(double bytes, char out[static BT_HUMAN_MAX]);

/* `850 µs`, `1.2 ms`, `12 s`. */
void bt_human_us(uint64_t us, char out[static BT_HUMAN_MAX]);

/* `3 d 04:11:02`; a negative time is none. */
void bt_human_up(int64_t s, char out[static BT_HUMAN_MAX]);

/* `46723`, below ten `7.5`: how often in a second. */
void bt_human_rate(double rate, char out[static BT_HUMAN_MAX]);

#endif
