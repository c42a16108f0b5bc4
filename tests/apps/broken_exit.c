/* For tests: it ends the process that loads it. */

#include <unistd.h>

__attribute__((constructor)) static void
end(void)
{
	_exit(3);
}
