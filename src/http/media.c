/*
 * Media types by ending: those of the IANA registry, where it has one for what
 * is served in practice.  Any process; the table never changes.
 *
 * An own table: what mime.types says differs from system to system.
 */

#include "http/media.h"

#include <stdlib.h>

#define ENDING_BYTES_MAX 15
#define ROW(ending, type) \
	{ \
		{ ending, sizeof(ending) - 1 }, \
		{ \
			type, sizeof(type) - 1 \
		} \
	}

/* clang-format off: a table; sorted by ending, for bsearch() */
static const struct bt_media_row rows[] = {
	ROW("3gp", "video/3gpp"),
	ROW("3gpp", "video/3gpp"),
	ROW("7z", "application/x-7z-compressed"),
	ROW("a", "application/octet-stream"),
	ROW("aac", "audio/aac"),
	ROW("ai", "application/postscript"),
	ROW("apk", "application/vnd.android.package-archive"),
	ROW("apng", "image/apng"),
	ROW("asc", "application/pgp-signature"),
	ROW("atom", "application/atom+xml"),
	ROW("avi", "video/x-msvideo"),
	ROW("avif", "image/avif"),
	ROW("bin", "application/octet-stream"),
	ROW("bmp", "image/bmp"),
	ROW("bz2", "application/x-bzip2"),
	ROW("c", "text/plain; charset=utf-8"),
	ROW("cc", "text/plain; charset=utf-8"),
	ROW("cfg", "text/plain; charset=utf-8"),
	ROW("cjs", "text/javascript; charset=utf-8"),
	ROW("conf", "text/plain; charset=utf-8"),
	ROW("cpp", "text/plain; charset=utf-8"),
	ROW("crt", "application/x-x509-ca-cert"),
	ROW("css", "text/css; charset=utf-8"),
	ROW("csv", "text/csv; charset=utf-8"),
	ROW("dat", "application/octet-stream"),
	ROW("deb", "application/vnd.debian.binary-package"),
	ROW("der", "application/x-x509-ca-cert"),
	ROW("diff", "text/plain; charset=utf-8"),
	ROW("dll", "application/octet-stream"),
	ROW("dmg", "application/octet-stream"),
	ROW("doc", "application/msword"),
	ROW("docx",
	    "application/"
	    "vnd.openxmlformats-officedocument.wordprocessingml.document"),
	ROW("eml", "message/rfc822"),
	ROW("eot", "application/vnd.ms-fontobject"),
	ROW("eps", "application/postscript"),
	ROW("epub", "application/epub+zip"),
	ROW("exe", "application/octet-stream"),
	ROW("flac", "audio/flac"),
	ROW("flv", "video/x-flv"),
	ROW("geojson", "application/geo+json"),
	ROW("gif", "image/gif"),
	ROW("glb", "model/gltf-binary"),
	ROW("gltf", "model/gltf+json"),
	ROW("go", "text/plain; charset=utf-8"),
	ROW("gpx", "application/gpx+xml"),
	ROW("gz", "application/gzip"),
	ROW("h", "text/plain; charset=utf-8"),
	ROW("heic", "image/heic"),
	ROW("heif", "image/heif"),
	ROW("hpp", "text/plain; charset=utf-8"),
	ROW("htc", "text/x-component; charset=utf-8"),
	ROW("htm", "text/html; charset=utf-8"),
	ROW("html", "text/html; charset=utf-8"),
	ROW("ico", "image/vnd.microsoft.icon"),
	ROW("ics", "text/calendar; charset=utf-8"),
	ROW("img", "application/octet-stream"),
	ROW("ini", "text/plain; charset=utf-8"),
	ROW("iso", "application/octet-stream"),
	ROW("jar", "application/java-archive"),
	ROW("jfif", "image/jpeg"),
	ROW("jp2", "image/jp2"),
	ROW("jpeg", "image/jpeg"),
	ROW("jpg", "image/jpeg"),
	ROW("js", "text/javascript; charset=utf-8"),
	ROW("json", "application/json"),
	ROW("jsonld", "application/ld+json"),
	ROW("jxl", "image/jxl"),
	ROW("kml", "application/vnd.google-earth.kml+xml"),
	ROW("kmz", "application/vnd.google-earth.kmz"),
	ROW("log", "text/plain; charset=utf-8"),
	ROW("m3u", "audio/x-mpegurl"),
	ROW("m3u8", "application/vnd.apple.mpegurl"),
	ROW("m4a", "audio/mp4"),
	ROW("m4v", "video/mp4"),
	ROW("map", "application/json"),
	ROW("markdown", "text/markdown; charset=utf-8"),
	ROW("mbox", "application/mbox"),
	ROW("md", "text/markdown; charset=utf-8"),
	ROW("mid", "audio/midi"),
	ROW("midi", "audio/midi"),
	ROW("mjs", "text/javascript; charset=utf-8"),
	ROW("mkv", "video/x-matroska"),
	ROW("mov", "video/quicktime"),
	ROW("mp3", "audio/mpeg"),
	ROW("mp4", "video/mp4"),
	ROW("mpd", "application/dash+xml"),
	ROW("mpeg", "video/mpeg"),
	ROW("mpg", "video/mpeg"),
	ROW("msi", "application/octet-stream"),
	ROW("o", "application/octet-stream"),
	ROW("obj", "model/obj"),
	ROW("odg", "application/vnd.oasis.opendocument.graphics"),
	ROW("odp", "application/vnd.oasis.opendocument.presentation"),
	ROW("ods", "application/vnd.oasis.opendocument.spreadsheet"),
	ROW("odt", "application/vnd.oasis.opendocument.text"),
	ROW("oga", "audio/ogg"),
	ROW("ogg", "audio/ogg"),
	ROW("ogv", "video/ogg"),
	ROW("opus", "audio/ogg"),
	ROW("osdx", "application/opensearchdescription+xml"),
	ROW("otf", "font/otf"),
	ROW("patch", "text/plain; charset=utf-8"),
	ROW("pdf", "application/pdf"),
	ROW("pem", "application/x-x509-ca-cert"),
	ROW("pkg", "application/octet-stream"),
	ROW("png", "image/png"),
	ROW("ppt", "application/vnd.ms-powerpoint"),
	ROW("pptx",
	    "application/"
	    "vnd.openxmlformats-officedocument.presentationml.presentation"),
	ROW("ps", "application/postscript"),
	ROW("py", "text/plain; charset=utf-8"),
	ROW("rar", "application/vnd.rar"),
	ROW("rpm", "application/x-rpm"),
	ROW("rs", "text/plain; charset=utf-8"),
	ROW("rss", "application/rss+xml"),
	ROW("rtf", "application/rtf"),
	ROW("sh", "text/plain; charset=utf-8"),
	ROW("shtml", "text/html; charset=utf-8"),
	ROW("sig", "application/pgp-signature"),
	ROW("so", "application/octet-stream"),
	ROW("sql", "application/sql"),
	ROW("sqlite", "application/vnd.sqlite3"),
	ROW("sqlite3", "application/vnd.sqlite3"),
	ROW("stl", "model/stl"),
	ROW("svg", "image/svg+xml"),
	ROW("swf", "application/x-shockwave-flash"),
	ROW("tar", "application/x-tar"),
	ROW("text", "text/plain; charset=utf-8"),
	ROW("tgz", "application/gzip"),
	ROW("tif", "image/tiff"),
	ROW("tiff", "image/tiff"),
	ROW("toml", "application/toml"),
	ROW("topojson", "application/json"),
	ROW("ts", "video/mp2t"),
	ROW("tsv", "text/tab-separated-values; charset=utf-8"),
	ROW("ttc", "font/collection"),
	ROW("ttf", "font/ttf"),
	ROW("txt", "text/plain; charset=utf-8"),
	ROW("udeb", "application/vnd.debian.binary-package"),
	ROW("vcard", "text/vcard; charset=utf-8"),
	ROW("vcf", "text/vcard; charset=utf-8"),
	ROW("vtt", "text/vtt; charset=utf-8"),
	ROW("war", "application/java-archive"),
	ROW("wasm", "application/wasm"),
	ROW("wav", "audio/wav"),
	ROW("wbmp", "image/vnd.wap.wbmp"),
	ROW("weba", "audio/webm"),
	ROW("webm", "video/webm"),
	ROW("webmanifest", "application/manifest+json"),
	ROW("webp", "image/webp"),
	ROW("woff", "font/woff"),
	ROW("woff2", "font/woff2"),
	ROW("xht", "application/xhtml+xml"),
	ROW("xhtml", "application/xhtml+xml"),
	ROW("xls", "application/vnd.ms-excel"),
	ROW("xlsx",
	    "application/"
	    "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
	ROW("xml", "text/xml; charset=utf-8"),
	ROW("xsd", "text/xml; charset=utf-8"),
	ROW("xsl", "text/xml; charset=utf-8"),
	ROW("xslt", "application/xslt+xml"),
	ROW("xz", "application/x-xz"),
	ROW("yaml", "application/yaml"),
	ROW("yml", "application/yaml"),
	ROW("zip", "application/zip"),
	ROW("zst", "application/zstd"),
};
/* clang-format on */

static int
compare(const void *key, const void *row)
{
	const struct bt_str *a = key;
	const struct bt_str *b = &((const struct bt_media_row *)row)->ending;
	int r = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);

	return r != 0 ? r : (a->n > b->n) - (a->n < b->n);
}

/* The ending in lower case; n is 0 without one, or with one too long. */
static struct bt_str
ending_of(struct bt_str name, char lower[static ENDING_BYTES_MAX])
{
	size_t n = 0;

	while (n < name.n && n <= ENDING_BYTES_MAX) {
		char c = name.p[name.n - n - 1];

		if (c == '.') {
			for (size_t i = 0; i < n; i++)
				lower[i] = bt_lower(name.p[name.n - n + i]);
			return (struct bt_str){ lower, n };
		}
		if (c == '/')
			break;
		n++;
	}
	return BT_STR("");
}

struct bt_str
bt_media_type(struct bt_str name)
{
	char lower[ENDING_BYTES_MAX];
	struct bt_str ending = ending_of(name, lower);
	const struct bt_media_row *row;

	row = bsearch(&ending, rows, sizeof(rows) / sizeof(rows[0]),
	    sizeof(rows[0]), compare);
	return row != NULL ? row->type : BT_STR("application/octet-stream");
}

const struct bt_media_row *
bt_media_rows(size_t *ret_n)
{
	*ret_n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}
