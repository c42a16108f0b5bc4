/*
 * Forms.  What is urlencoded is collected and taken apart at its end; what
 * comes in parts is taken apart as it comes, and files go to the application,
 * if it wants them.  Worker, on the loop.
 */

#include "app/form.h"

#include "base/mem.h"
#include "http/form.h"
#include "http/multipart.h"

#include <baton/form.h>
#include <errno.h>
#include <stdlib.h>

#define FIELDS_MAX 1000
/* Of fields that are no files, also where files are let in. */
#define FIELD_BYTES_MAX (1024 * 1024)

struct field {
	struct field *next;
	struct bt_str name, value; /* NUL-ended */
};

struct file {
	struct file *next;
	struct baton_file file;
	struct bt_buf content;
};

struct bt_form_state {
	bool in_parts;
	struct bt_multipart parser;
	struct field *fields, **fields_end;
	struct file *files, **files_end;
	unsigned fields_n;
	size_t field_bytes;
	/* the part that comes */
	struct file *file; /* NULL: it is a field */
	struct bt_str name;
	struct bt_buf value;
	unsigned status; /* of what is wrong; 0: nothing */
};

/* --- what there is --- */

static void
add_field(struct bt_call *c, struct bt_str name, struct bt_str value)
{
	struct bt_form_state *f = c->form;
	struct field *field;

	if (++f->fields_n > FIELDS_MAX) {
		f->status = 413;
		return;
	}
	field = bt_arena_zero(&c->x->arena, sizeof(*field));
	field->name = bt_arena_copy(&c->x->arena, name.n ? name : BT_STR(""));
	field->value =
	    bt_arena_copy(&c->x->arena, value.n ? value : BT_STR(""));
	*f->fields_end = field;
	f->fields_end = &field->next;
}

/* A text of the exchange's; one that has a NUL is none. */
static const char *
text_or_empty(struct bt_call *c, struct bt_str s)
{
	const char *text = s.n ? bt_call_text(c, s) : "";

	return text ? text : "";
}

/* --- parts --- */

static void
on_part(void *arg, const struct bt_part *part)
{
	struct bt_call *c = arg;
	struct bt_form_state *f = c->form;

	f->file = NULL;
	bt_buf_clear(&f->value);
	f->name =
	    bt_arena_copy(&c->x->arena, part->name.n ? part->name : BT_STR(""));
	if (!part->is_file)
		return;
	f->file = bt_arena_zero(&c->x->arena, sizeof(*f->file));
	f->file->file = (struct baton_file){
		.field = text_or_empty(c, part->name),
		.filename = text_or_empty(c, part->filename),
		.type = text_or_empty(c, part->type),
		.content = "",
	};
	*f->files_end = f->file;
	f->files_end = &f->file->next;
}

static void
give_file(struct bt_call *c, const void *piece, size_t n)
{
	int64_t entered = bt_call_enter(c);

	c->way->file(c->x, &c->form->file->file, piece, n);
	bt_call_leave(c, entered);
}

static void
on_data(void *arg, struct bt_str piece)
{
	struct bt_call *c = arg;
	struct bt_form_state *f = c->form;

	if (f->file != NULL && c->way->file != NULL) {
		give_file(c, piece.p, piece.n);
	} else if (f->file != NULL) {
		bt_buf_append(&f->file->content, piece.p, piece.n);
	} else {
		f->field_bytes += piece.n;
		if (f->field_bytes > FIELD_BYTES_MAX)
			f->status = 413;
		else
			bt_buf_append(&f->value, piece.p, piece.n);
	}
}

static void
on_part_end(void *arg)
{
	struct bt_call *c = arg;
	struct bt_form_state *f = c->form;

	if (f->file == NULL) {
		add_field(c, f->name, bt_buf_str(&f->value));
	} else if (c->way->file != NULL) {
		give_file(c, NULL, 0);
	} else if (f->file->content.len > 0) {
		f->file->file.content = f->file->content.data;
		f->file->file.content_n = f->file->content.len;
	}
}

static const struct bt_multipart_hooks hooks = {
	.begin = on_part,
	.data = on_data,
	.end = on_part_end,
};

/* --- the content --- */

/* It is answered now; what still comes of it is not looked at. */
static void
refuse(struct bt_call *c, unsigned status)
{
	struct baton_exchange *x = c->x;

	x->wants_content = false;
	c->content_over = true;
	if (!bt_call_is_open(c))
		return;
	bt_reply_drop(x);
	bt_reply_error(x, status, BT_STR_NONE);
	x->reply.close = true;
}

bool
bt_form_begin(struct bt_call *c)
{
	struct bt_str type =
	    bt_request_known(&c->x->request, BT_FIELD_CONTENT_TYPE);
	const char *end = type.n ? memchr(type.p, ';', type.n) : NULL;
	struct bt_str media = type;
	struct bt_form_state *f = bt_mem_zero(1, sizeof(*f));

	c->form = f;
	f->fields_end = &f->fields;
	f->files_end = &f->files;
	if (end != NULL)
		media.n = (size_t)(end - media.p);
	media = bt_str_trim(media);
	if (c->x->content_over) /* an empty one, of any type */
		return true;
	if (bt_str_equal_nocase(
		media, BT_STR("application/x-www-form-urlencoded")))
		return true;
	f->in_parts = true;
	if (bt_multipart_init(&f->parser, type, &hooks, c) == 0)
		return true;
	refuse(c,
	    bt_str_equal_nocase(media, BT_STR("multipart/form-data")) ? 400
								      : 415);
	return false;
}

void
bt_form_feed(struct bt_call *c, struct bt_str piece)
{
	struct bt_form_state *f = c->form;
	int r = 0;

	if (f->in_parts)
		r = bt_multipart_feed(&f->parser, piece);
	else if (c->content.len + piece.n > FIELD_BYTES_MAX)
		r = -E2BIG;
	else
		bt_buf_append(&c->content, piece.p, piece.n);
	if (r < 0)
		f->status = r == -E2BIG ? 413 : 400;
	if (f->status != 0)
		refuse(c, f->status);
}

bool
bt_form_finish(struct bt_call *c)
{
	struct bt_form_state *f = c->form;
	struct bt_str rest = bt_buf_str(&c->content), name, value;

	if (f->in_parts && bt_multipart_finish(&f->parser) < 0)
		f->status = 400;
	while (!f->in_parts && f->status == 0 &&
	    bt_query_next(&rest, &c->x->arena, &name, &value))
		add_field(c, name, value);
	if (f->status == 0)
		return true;
	refuse(c, f->status);
	return false;
}

void
bt_form_free(struct bt_call *c)
{
	struct bt_form_state *f = c->form;

	if (f == NULL)
		return;
	for (struct file *file = f->files; file != NULL; file = file->next)
		bt_buf_fini(&file->content);
	bt_buf_fini(&f->value);
	bt_multipart_fini(&f->parser);
	free(f);
	c->form = NULL;
}

bool
bt_form_find(const struct bt_call *c, struct bt_str name, struct bt_str *ret)
{
	if (c->form == NULL)
		return false;
	for (struct field *f = c->form->fields; f != NULL; f = f->next)
		if (bt_str_equal(f->name, name)) {
			*ret = f->value;
			return true;
		}
	return false;
}

/* --- the public functions --- */

const char *
baton_form_at(struct baton_exchange *x, const char *name, unsigned i)
{
	const struct bt_call *c = bt_call_of(x);
	struct bt_str wanted = bt_str_of(name);

	for (struct field *f = c->form ? c->form->fields : NULL; f != NULL;
	     f = f->next)
		if (bt_str_equal(f->name, wanted) && i-- == 0)
			return strlen(f->value.p) == f->value.n ? f->value.p
								: NULL;
	return NULL;
}

const char *
baton_form(struct baton_exchange *x, const char *name)
{
	return baton_form_at(x, name, 0);
}

const struct baton_file *
baton_form_file(struct baton_exchange *x, const char *field)
{
	const struct bt_call *c = bt_call_of(x);

	for (struct file *f = c->form ? c->form->files : NULL; f != NULL;
	     f = f->next)
		if (strcmp(f->file.field, field) == 0)
			return &f->file;
	return NULL;
}
