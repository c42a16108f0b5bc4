/* For tests: it was built for an API that is not there. */

#include <baton/baton.h>

BATON_APP = { .api_major = 99, .size = sizeof(struct baton_app) };
