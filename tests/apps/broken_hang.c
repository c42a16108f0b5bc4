/* For tests: it does not come back from being loaded. */

#include <unistd.h>

__attribute__((constructor)) static void
hang(void)
{
	for (;;)
		pause();
}
