/*
 * Any text as a conf: it is refused with errors, or understood; what is
 * understood can be printed, read back, and printed the same.  A text in
 * memory includes nothing, so no file is opened.
 */

#include "conf/conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_dump(const struct bt_conf *conf)
{
	struct bt_buf first = { 0 }, second = { 0 }, errors = { 0 };
	struct bt_conf *again = NULL;

	bt_conf_dump(conf, &first);
	if (bt_conf_parse(bt_buf_str(&first), conf->file, &again, &errors) < 0)
		abort();
	bt_conf_dump(again, &second);
	if (!bt_str_equal(bt_buf_str(&first), bt_buf_str(&second)))
		abort();
	bt_conf_free(again);
	bt_buf_fini(&first);
	bt_buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_str text = { (const char *)data, size };
	struct bt_buf errors = { 0 };
	struct bt_conf *conf = NULL;
	int r = bt_conf_parse(text, "fuzz", &conf, &errors);

	if ((r < 0) != (errors.len > 0) || (r < 0) != (conf == NULL))
		abort();
	if (conf != NULL)
		check_dump(conf);
	bt_conf_free(conf);
	bt_buf_fini(&errors);
	return 0;
}
