/*
 * UTF-8.  Any thread.
 */

#include "base/utf8.h"

size_t
bt_utf8_printable(const char *text, size_t most)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (most == 0)
		return 0;
	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > most)
		return 0;
	if (s[0] == 0xc2 || s[0] == 0xe0)
		low = 0xa0; /* C1 controls, overlong forms */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90; /* overlong forms */
	else if (s[0] == 0xf4)
		high = 0x8f; /* past U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}
