/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originanswer.h"

#include <gio/gio.h>
#include <string.h>

#include "httpheaders.h"
#include "httprange.h"

#define PLAYLIST_TYPE "application/vnd.apple.mpegurl"
#define METHODS "GET, HEAD, OPTIONS"
/* Media never change, so every cache may keep them as long as it likes. */
#define CACHE_FOR_GOOD "public, max-age=1209600, immutable"
/* Text is short and compressed once for all viewers, on the path of the
 * newest part: speed before size. */
#define GZIP_LEVEL 3

static HttpResponse *
with_cors (HttpResponse *response)
{
  http_response_add_header (response, "Access-Control-Allow-Origin", "*");
  http_response_add_header (response, "Access-Control-Expose-Headers",
      "Age, Content-Length, Content-Range, Date, ETag");
  return response;
}

static HttpResponse *
text_answer (guint status, const char *text, const char *cache_control)
{
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));
  HttpResponse *response = with_cors (http_response_new (status, body));

  http_response_add_header (response, "Cache-Control", cache_control);
  http_response_add_header (
      response, "Content-Type", "text/plain; charset=utf-8");
  return response;
}

static HttpResponse *
make_canned (OriginCanned which)
{
  HttpResponse *response;

  switch (which) {
    case ORIGIN_CANNED_PREFLIGHT:
      response = with_cors (http_response_new (204, NULL));
      http_response_add_header (
          response, "Access-Control-Allow-Methods", METHODS);
      http_response_add_header (response, "Access-Control-Allow-Headers",
          "If-None-Match, If-Range, Range");
      http_response_add_header (response, "Access-Control-Max-Age", "86400");
      http_response_add_header (response, "Allow", METHODS);
      return response;
    case ORIGIN_CANNED_BAD_REQUEST:
      return text_answer (400,
          "A directive is malformed, alone, or too far ahead.\n", "no-store");
    case ORIGIN_CANNED_NOT_FOUND:
      return text_answer (404, "Nothing is here.\n", "max-age=1");
    case ORIGIN_CANNED_NOT_THERE:
      return text_answer (404, "This is not, or not yet, here.\n", "no-store");
    case ORIGIN_CANNED_METHOD:
      response = text_answer (405, "Only for reading.\n", "no-store");
      http_response_add_header (response, "Allow", METHODS);
      return response;
    case ORIGIN_CANNED_BUSY:
      response = text_answer (
          503, "What was waited for did not come in time.\n", "no-store");
      http_response_add_header (response, "Retry-After", "1");
      return response;
    case ORIGIN_N_CANNED:
    default:
      g_return_val_if_reached (NULL);
  }
}

/**
 * origin_answer_canned:
 *
 * Returns: (transfer full): made once in the process. Thread-safe.
 */
HttpResponse *
origin_answer_canned (OriginCanned which)
{
  static HttpResponse *canned[ORIGIN_N_CANNED];
  static gsize once;

  if (g_once_init_enter (&once)) {
    for (guint i = 0; i < ORIGIN_N_CANNED; i++)
      canned[i] = make_canned (i);
    g_once_init_leave (&once, 1);
  }
  return http_response_ref (canned[which]);
}

static void
add_cache_control (HttpResponse *response, guint max_age)
{
  g_autofree char *value = g_strdup_printf ("max-age=%u", max_age);

  http_response_add_header (response, "Cache-Control", value);
}

/* --- playlists -------------------------------------------------------------- */

struct _OriginPlaylist {
  GBytes *text;
  GBytes *gzip; /* when somebody first asked */
  char *etag;
  char *etag_gzip;
  char *modified;
  guint max_age[2];
  HttpResponse
      *answers[2][2]; /* by blocking, gzip; made when first asked for */
};

static char *
http_date (gint64 seconds)
{
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t time = seconds;
  struct tm tm;

  /* Not strftime: the names must not follow the locale. */
  gmtime_r (&time, &tm);
  return g_strdup_printf ("%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
      days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
      tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static GBytes *
compress (GBytes *text)
{
  g_autoptr (GConverter) gzip = G_CONVERTER (
      g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, GZIP_LEVEL));
  gsize size, read, written;
  const void *data = g_bytes_get_data (text, &size);
  /* Deflate never adds more than a few bytes for each block it stores. */
  gsize room = size + size / 1000 + 128;
  g_autofree char *out = g_malloc (room);

  if (g_converter_convert (gzip, data, size, out, room,
          G_CONVERTER_INPUT_AT_END, &read, &written,
          NULL) != G_CONVERTER_FINISHED)
    return NULL;
  return g_bytes_new (out, written);
}

/**
 * origin_playlist_new:
 * @text: shared
 *
 * Returns: (transfer full):
 */
OriginPlaylist *
origin_playlist_new (GBytes *text, const OriginPlaylistConfig *config)
{
  OriginPlaylist *playlist = g_new0 (OriginPlaylist, 1);

  playlist->text = g_bytes_ref (text);
  playlist->etag = g_strdup_printf ("\"%s\"", config->etag);
  playlist->etag_gzip = g_strdup_printf ("\"%s-gzip\"", config->etag);
  playlist->modified = http_date (config->modified);
  playlist->max_age[FALSE] = config->max_age;
  playlist->max_age[TRUE] = config->max_age_blocking;
  return playlist;
}

void
origin_playlist_free (OriginPlaylist *playlist)
{
  if (playlist == NULL)
    return;
  for (guint i = 0; i < 2; i++)
    for (guint j = 0; j < 2; j++)
      http_response_unref (playlist->answers[i][j]);
  g_bytes_unref (playlist->text);
  g_clear_pointer (&playlist->gzip, g_bytes_unref);
  g_free (playlist->etag);
  g_free (playlist->etag_gzip);
  g_free (playlist->modified);
  g_free (playlist);
}

static HttpResponse *
playlist_answer (OriginPlaylist *playlist, guint status, GBytes *body,
    gboolean blocking, gboolean gzip)
{
  HttpResponse *response = with_cors (http_response_new (status, body));

  add_cache_control (response, playlist->max_age[blocking]);
  http_response_add_header (
      response, "ETag", gzip ? playlist->etag_gzip : playlist->etag);
  http_response_add_header (response, "Last-Modified", playlist->modified);
  http_response_add_header (response, "Vary", "Accept-Encoding");
  if (status == 304)
    return response;
  http_response_add_header (response, "Content-Type", PLAYLIST_TYPE);
  if (gzip)
    http_response_add_header (response, "Content-Encoding", "gzip");
  return response;
}

/**
 * origin_playlist_answer:
 * @blocking: a delivery directive chose this version, so the URL will always
 *     contain at least what it does now
 *
 * Returns: (transfer full): 200 or 304
 */
HttpResponse *
origin_playlist_answer (
    OriginPlaylist *playlist, HttpRequest *request, gboolean blocking)
{
  const char *known = http_request_get_header (request, "If-None-Match");
  gboolean gzip =
      http_accepts_gzip (http_request_get_header (request, "Accept-Encoding"));
  HttpResponse **answer;

  blocking = !!blocking;
  if (gzip && playlist->gzip == NULL)
    playlist->gzip = compress (playlist->text);
  gzip = gzip && playlist->gzip != NULL;
  if (known != NULL && (http_etag_matches (known, playlist->etag) ||
                           http_etag_matches (known, playlist->etag_gzip)))
    return playlist_answer (playlist, 304, NULL, blocking, gzip);

  answer = &playlist->answers[blocking][gzip];
  if (*answer == NULL)
    *answer = playlist_answer (
        playlist, 200, gzip ? playlist->gzip : playlist->text, blocking, gzip);
  return http_response_ref (*answer);
}

/* --- media ------------------------------------------------------------------ */

/* The bytes of @range, shared with the whole. */
static HttpResponse *
slice (guint status, const OriginMedia *media, const HttpRange *range)
{
  g_autoptr (GPtrArray) pieces =
      g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  guint64 skip = range->offset, left = range->length;

  if (media->pieces == NULL)
    return http_response_new_file (
        status, media->fd, media->offset + skip, left, NULL);
  for (guint i = 0; i < media->n_pieces && left > 0; i++) {
    gsize size = g_bytes_get_size (media->pieces[i]);
    gsize take;

    if (skip >= size) {
      skip -= size;
      continue;
    }
    take = MIN (size - skip, left);
    g_ptr_array_add (
        pieces, g_bytes_new_from_bytes (media->pieces[i], skip, take));
    left -= take;
    skip = 0;
  }
  if (pieces->len == 1)
    return http_response_new (status, pieces->pdata[0]);
  return http_response_new_pieces (
      status, (GBytes *const *)pieces->pdata, pieces->len);
}

static HttpResponse *
add_media_headers (
    HttpResponse *response, const OriginMedia *media, const char *etag)
{
  with_cors (response);
  http_response_add_header (response, "ETag", etag);
  if (media->max_age == 0)
    http_response_add_header (response, "Cache-Control", CACHE_FOR_GOOD);
  else
    add_cache_control (response, media->max_age);
  return response;
}

static HttpResponse *
body_answer (guint status, const OriginMedia *media, const HttpRange *range,
    const char *etag)
{
  HttpResponse *response = slice (status, media, range);

  if (response == NULL)
    return origin_answer_canned (ORIGIN_CANNED_BUSY);
  add_media_headers (response, media, etag);
  http_response_add_header (response, "Accept-Ranges", "bytes");
  http_response_add_header (response, "Content-Type", media->content_type);
  if (status == 206) {
    g_autofree char *text = g_strdup_printf (
        "bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
        range->offset, range->offset + range->length - 1, media->size);

    http_response_add_header (response, "Content-Range", text);
  }
  return response;
}

static HttpResponse *
unsatisfiable (const OriginMedia *media)
{
  g_autofree char *text =
      g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, media->size);
  HttpResponse *response =
      text_answer (416, "The range is beyond the end.\n", "no-store");

  http_response_add_header (response, "Content-Range", text);
  return response;
}

const char *
origin_media_type (const Track *track)
{
  return track->type == TRACK_VIDEO ? "video/mp4" : "audio/mp4";
}

/**
 * origin_media_etag:
 * @route: of an init, a segment or a part
 *
 * Media are immutable, so the name is the version: memory and the store say the
 * same.
 *
 * Returns: (transfer full): without quotes
 */
char *
origin_media_etag (const OriginRoute *route)
{
  switch (route->kind) {
    case ORIGIN_ROUTE_INIT:
      return g_strdup_printf ("i%u", route->epoch);
    case ORIGIN_ROUTE_SEGMENT:
      return g_strdup_printf (
          "s%u-%" G_GUINT64_FORMAT, route->epoch, route->msn);
    case ORIGIN_ROUTE_PART:
      return g_strdup_printf ("p%u-%" G_GUINT64_FORMAT ".%u", route->epoch,
          route->msn, route->part);
    case ORIGIN_ROUTE_MASTER:
    case ORIGIN_ROUTE_POSTER:
    case ORIGIN_ROUTE_MEDIA:
    default:
      g_return_val_if_reached (NULL);
  }
}

/**
 * origin_media_answer:
 * @whole: (inout) (nullable): where the answer to a plain request is kept for
 *     the next one
 *
 * Returns: (transfer full): 200, 206, 304 or 416
 */
HttpResponse *
origin_media_answer (
    const OriginMedia *media, HttpRequest *request, HttpResponse **whole)
{
  const char *known = http_request_get_header (request, "If-None-Match");
  const char *wanted = http_request_get_header (request, "Range");
  g_autofree char *etag = NULL;
  HttpRange range = {0, media->size};
  HttpResponse *response;

  if (known == NULL && wanted == NULL && whole != NULL && *whole != NULL)
    return http_response_ref (*whole);
  etag = g_strdup_printf ("\"%s\"", media->etag);
  if (known != NULL && http_etag_matches (known, etag))
    return add_media_headers (http_response_new (304, NULL), media, etag);
  /* Range is defined for GET only. */
  if (wanted != NULL && http_request_get_method (request) == HTTP_METHOD_GET &&
      http_if_range_holds (http_request_get_header (request, "If-Range"), etag))
    switch (http_range_parse (wanted, media->size, &range)) {
      case HTTP_RANGE_PARTIAL:
        return body_answer (206, media, &range, etag);
      case HTTP_RANGE_UNSATISFIABLE:
        return unsatisfiable (media);
      case HTTP_RANGE_WHOLE:
      default:
        break;
    }
  if (whole == NULL || *whole == NULL)
    response = body_answer (200, media, &range, etag);
  else
    return http_response_ref (*whole);
  if (whole != NULL)
    *whole = http_response_ref (response);
  return response;
}
