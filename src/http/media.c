/*
 * Media types by ending: a sorted table, searched by halves.  Any process.
 */

#include "http/media.h"

#include <stdlib.h>

#define ENDING_BYTES_MAX 16

struct row {
	const char *ending; /* lower case */
	struct bt_str type;
};

#define TEXT(ending, type) \
	{ \
		ending, BT_STR_ROW(type "; charset=utf-8") \
	}
#define TYPE(ending, type) \
	{ \
		ending, BT_STR_ROW(type) \
	}
#define BT_STR_ROW(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}

/* clang-format off */
static const struct row rows[] = { /* sorted by ending */
	TYPE("3g2", "video/3gpp2"),
	TYPE("3gp", "video/3gpp"),
	TYPE("7z", "application/x-7z-compressed"),
	TYPE("aac", "audio/aac"),
	TYPE("apng", "image/apng"),
	TEXT("asc", "text/plain"),
	TYPE("atom", "application/atom+xml"),
	TYPE("avi", "video/x-msvideo"),
	TYPE("avif", "image/avif"),
	TYPE("bin", "application/octet-stream"),
	TYPE("bmp", "image/bmp"),
	TYPE("br", "application/x-brotli"),
	TYPE("bz2", "application/x-bzip2"),
	TEXT("c", "text/plain"),
	TYPE("cbor", "application/cbor"),
	TEXT("conf", "text/plain"),
	TEXT("css", "text/css"),
	TEXT("csv", "text/csv"),
	TYPE("deb", "application/vnd.debian.binary-package"),
	TYPE("doc", "application/msword"),
	TYPE("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
	TYPE("eot", "application/vnd.ms-fontobject"),
	TYPE("epub", "application/epub+zip"),
	TYPE("flac", "audio/flac"),
	TYPE("geojson", "application/geo+json"),
	TYPE("gif", "image/gif"),
	TYPE("gz", "application/gzip"),
	TEXT("h", "text/plain"),
	TYPE("heic", "image/heic"),
	TEXT("htm", "text/html"),
	TEXT("html", "text/html"),
	TYPE("ico", "image/x-icon"),
	TEXT("ics", "text/calendar"),
	TYPE("iso", "application/octet-stream"),
	TYPE("jar", "application/java-archive"),
	TYPE("jpeg", "image/jpeg"),
	TYPE("jpg", "image/jpeg"),
	TEXT("js", "text/javascript"),
	TYPE("json", "application/json"),
	TYPE("jsonld", "application/ld+json"),
	TYPE("jxl", "image/jxl"),
	TEXT("log", "text/plain"),
	TYPE("m3u8", "application/vnd.apple.mpegurl"),
	TYPE("m4a", "audio/mp4"),
	TYPE("m4s", "video/iso.segment"),
	TYPE("m4v", "video/mp4"),
	TEXT("manifest", "text/cache-manifest"),
	TYPE("map", "application/json"),
	TEXT("md", "text/markdown"),
	TYPE("mid", "audio/midi"),
	TEXT("mjs", "text/javascript"),
	TYPE("mkv", "video/x-matroska"),
	TYPE("mov", "video/quicktime"),
	TYPE("mp3", "audio/mpeg"),
	TYPE("mp4", "video/mp4"),
	TYPE("mpd", "application/dash+xml"),
	TYPE("mpeg", "video/mpeg"),
	TYPE("mpg", "video/mpeg"),
	TYPE("odp", "application/vnd.oasis.opendocument.presentation"),
	TYPE("ods", "application/vnd.oasis.opendocument.spreadsheet"),
	TYPE("odt", "application/vnd.oasis.opendocument.text"),
	TYPE("oga", "audio/ogg"),
	TYPE("ogg", "audio/ogg"),
	TYPE("ogv", "video/ogg"),
	TYPE("opus", "audio/ogg"),
	TYPE("otf", "font/otf"),
	TYPE("pdf", "application/pdf"),
	TYPE("png", "image/png"),
	TYPE("ppt", "application/vnd.ms-powerpoint"),
	TYPE("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
	TYPE("ps", "application/postscript"),
	TYPE("rar", "application/vnd.rar"),
	TYPE("rpm", "application/x-rpm"),
	TYPE("rss", "application/rss+xml"),
	TYPE("rtf", "application/rtf"),
	TYPE("sh", "application/x-sh"),
	TYPE("svg", "image/svg+xml"),
	TYPE("svgz", "image/svg+xml"),
	TYPE("swf", "application/x-shockwave-flash"),
	TYPE("tar", "application/x-tar"),
	TYPE("tgz", "application/gzip"),
	TYPE("tif", "image/tiff"),
	TYPE("tiff", "image/tiff"),
	TEXT("toml", "application/toml"),
	TYPE("ts", "video/mp2t"),
	TYPE("ttf", "font/ttf"),
	TEXT("txt", "text/plain"),
	TEXT("vtt", "text/vtt"),
	TYPE("wasm", "application/wasm"),
	TYPE("wav", "audio/wav"),
	TYPE("weba", "audio/webm"),
	TYPE("webm", "video/webm"),
	TYPE("webmanifest", "application/manifest+json"),
	TYPE("webp", "image/webp"),
	TYPE("woff", "font/woff"),
	TYPE("woff2", "font/woff2"),
	TYPE("xhtml", "application/xhtml+xml"),
	TYPE("xls", "application/vnd.ms-excel"),
	TYPE("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
	TEXT("xml", "text/xml"),
	TEXT("xsl", "text/xml"),
	TYPE("xz", "application/x-xz"),
	TEXT("yaml", "application/yaml"),
	TEXT("yml", "application/yaml"),
	TYPE("zip", "application/zip"),
	TYPE("zst", "application/zstd"),
};
/* clang-format on */

static int
by_ending(const void *ending, const void *row)
{
	return strcmp(ending, ((const struct row *)row)->ending);
}

struct bt_str
bt_media_type(struct bt_str name)
{
	const char *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;
	size_t n = dot ? (size_t)(name.p + name.n - dot - 1) : 0;
	char ending[ENDING_BYTES_MAX];
	const struct row *row = NULL;

	if (n > 0 && n < sizeof(ending)) {
		for (size_t i = 0; i < n; i++)
			ending[i] = bt_lower(dot[1 + i]);
		ending[n] = '\0';
		row = bsearch(ending, rows, sizeof(rows) / sizeof(rows[0]),
		    sizeof(rows[0]), by_ending);
	}
	return row ? row->type : BT_STR("application/octet-stream");
}
