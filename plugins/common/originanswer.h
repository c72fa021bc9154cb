/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "httpserver.h"
#include "originroutes.h"
#include "tracktable.h"

G_BEGIN_DECLS

/* How the origin answers: status, headers and caching rules, one place. None of
 * this is thread-safe but the canned answers; callers lock. */

/* Answers that are always the same. */
typedef enum {
  ORIGIN_CANNED_PREFLIGHT,   /* 204 to OPTIONS */
  ORIGIN_CANNED_BAD_REQUEST, /* 400 */
  ORIGIN_CANNED_NOT_FOUND,   /* 404, a name that is not known */
  ORIGIN_CANNED_NOT_THERE,   /* 404, media that is not, or not yet, there */
  ORIGIN_CANNED_METHOD,      /* 405 */
  ORIGIN_CANNED_BUSY,        /* 503, blocked for too long or too many */
  ORIGIN_N_CANNED,
} OriginCanned;

HttpResponse *origin_answer_canned (OriginCanned which);

/* A playlist, rendered once and answered as often as it is asked for. */
typedef struct _OriginPlaylist OriginPlaylist;

typedef struct {
  const char *etag;       /* without quotes */
  gint64 modified;        /* s since 1970 */
  guint max_age;          /* s */
  guint max_age_blocking; /* s, when a directive asked for it */
} OriginPlaylistConfig;

OriginPlaylist *origin_playlist_new (
    GBytes *text, const OriginPlaylistConfig *config);
void origin_playlist_free (OriginPlaylist *playlist);
HttpResponse *origin_playlist_answer (
    OriginPlaylist *playlist, HttpRequest *request, gboolean blocking);

/* Bytes under a URL that never means anything else. */
typedef struct {
  const char *content_type;
  const char *etag; /* without quotes */
  guint max_age;    /* s; 0: for good */
  guint64 size;
  GBytes *const *pieces; /* or NULL: a stretch of a file */
  guint n_pieces;
  int fd;
  guint64 offset;
} OriginMedia;

const char *origin_media_type (const Track *track);
char *origin_media_etag (const OriginRoute *route);
HttpResponse *origin_media_answer (
    const OriginMedia *media, HttpRequest *request, HttpResponse **whole);

G_END_DECLS
