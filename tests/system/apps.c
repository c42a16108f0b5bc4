/*
 * Where the applications are.
 */

#include "tests/system/apps.h"

#include "tests/system/scratch.h"
#include "tests/system/spawn.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

const char *
apps_path(const char *name)
{
	char *program = realpath(spawn_program(), NULL);
	const char *path;

	ck_assert_ptr_nonnull(program);
	*strrchr(program, '/') = '\0';
	path = scratch_printf("%s/apps/%s.so", program, name);
	free(program);
	return path;
}
