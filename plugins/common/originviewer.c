/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originbroadcast-private.h"

/* A blocked request is given up after this many target durations. */
#define BLOCK_TARGETS 3
/* A playlist that a directive chose stays right for ever; caches may keep it
 * until every player has asked for it. */
#define BLOCKING_TARGETS 6
#define PLAIN_MAX_AGE 1
#define ENDED_MAX_AGE 60

void
origin_rendered_clear (gpointer data)
{
  Rendered *rendered = data;

  g_clear_pointer (&rendered->playlist, origin_playlist_free);
}

/* --- who waits for what ------------------------------------------------------ */

static MediaVerdict
check_locked (OriginBroadcast *self, const OriginRoute *route, guint track,
    const HttpDirectives *directives)
{
  MediaPart *part;

  if (route->kind == ORIGIN_ROUTE_MEDIA)
    return media_window_check_playlist (self->window, track, directives);
  return media_window_find_part (
      self->window, track, route->epoch, route->msn, route->part, &part);
}

/* Takes the waiters out whose wait is over. */
GPtrArray *
origin_broadcast_collect_locked (OriginBroadcast *self, gint64 now)
{
  GPtrArray *ready = NULL;

  for (guint i = self->waiters->len; i-- > 0;) {
    Waiter *waiter = g_ptr_array_index (self->waiters, i);

    if (check_locked (self, &waiter->route, waiter->track,
            &waiter->directives) == MEDIA_WAIT) {
      if (now < waiter->deadline)
        continue;
      waiter->expired = TRUE;
    }
    if (ready == NULL)
      ready = g_ptr_array_new ();
    g_ptr_array_add (ready, waiter->request);
    g_ptr_array_remove_index_fast (self->waiters, i);
  }
  return ready;
}

/* Unlocks, then lets the requests in @ready go on. */
void
origin_broadcast_unlock_and_resume (OriginBroadcast *self, GPtrArray *ready)
{
  g_mutex_unlock (&self->lock);
  if (ready == NULL)
    return;
  g_atomic_int_add (&self->shared->waiting, -(int)ready->len);
  for (guint i = 0; i < ready->len; i++)
    http_request_resume (g_ptr_array_index (ready, i));
  g_ptr_array_unref (ready);
}

/* Holds @request until the window moves. NULL, or the answer if it cannot. */
static HttpResponse *
park_locked (OriginBroadcast *self, HttpRequest *request, const Waiter *how)
{
  Waiter *waiter;

  if (g_atomic_int_add (&self->shared->waiting, 1) >= self->shared->max_waiting)
    goto refused;
  waiter = g_memdup2 (how, sizeof (Waiter));
  http_request_set_data (request, waiter, g_free);
  /* The lock is held: nobody resumes it before it is suspended. */
  if (!http_request_suspend (request))
    goto refused;
  g_ptr_array_add (self->waiters, waiter);
  origin_timer_arm (self->shared->timer, waiter->deadline);
  return NULL;

refused:
  g_atomic_int_add (&self->shared->waiting, -1);
  return origin_answer_canned (ORIGIN_CANNED_BUSY);
}

/* --- the viewers' side ------------------------------------------------------- */

static OriginPlaylist *
wrap_locked (OriginBroadcast *self, GBytes *text, guint track, guint64 version)
{
  gboolean ended = media_window_is_ended (self->window);
  guint target = media_window_get_target_duration (self->window);
  g_autofree char *etag = g_strdup_printf (
      "%08x-%u-%" G_GUINT64_FORMAT, self->token, track, version);
  OriginPlaylistConfig config = {
      .etag = etag,
      .modified = g_get_real_time () / G_USEC_PER_SEC,
      .max_age = ended ? ENDED_MAX_AGE : PLAIN_MAX_AGE,
      .max_age_blocking = ended ? ENDED_MAX_AGE : BLOCKING_TARGETS * target,
  };

  return origin_playlist_new (text, &config);
}

static HttpResponse *
media_playlist_locked (
    OriginBroadcast *self, HttpRequest *request, guint track, gboolean blocking)
{
  Rendered *rendered = &g_array_index (self->rendered, Rendered, track);
  guint64 version = media_window_get_version (self->window, track);

  if (rendered->playlist == NULL || rendered->version != version) {
    g_autoptr (GBytes) text = media_window_render (self->window, track);

    origin_rendered_clear (rendered);
    rendered->playlist = wrap_locked (self, text, track, version);
    rendered->version = version;
  }
  return origin_playlist_answer (rendered->playlist, request, blocking);
}

static HttpResponse *
multivariant_locked (OriginBroadcast *self, HttpRequest *request)
{
  Rendered *rendered = &self->multivariant;

  if (rendered->playlist == NULL || rendered->version != self->generation) {
    g_autoptr (GBytes) text = media_window_render_multivariant (self->window);

    origin_rendered_clear (rendered);
    if (text == NULL)
      return origin_answer_canned (ORIGIN_CANNED_NOT_FOUND);
    rendered->playlist =
        wrap_locked (self, text, CHUNK_TRACK_ALL, self->generation);
    rendered->version = self->generation;
  }
  return origin_playlist_answer (rendered->playlist, request, FALSE);
}

static HttpResponse *
bytes_locked (OriginBroadcast *self, HttpRequest *request,
    const OriginRoute *route, guint track, GPtrArray *pieces, gpointer *whole)
{
  g_autofree char *etag = origin_media_etag (route);
  OriginMedia media = {
      .content_type = origin_media_type (
          track_table_get (media_window_get_tracks (self->window), track)),
      .etag = etag,
      .pieces = (GBytes *const *)pieces->pdata,
      .n_pieces = pieces->len,
  };

  for (guint i = 0; i < pieces->len; i++)
    media.size += g_bytes_get_size (pieces->pdata[i]);
  return origin_media_answer (&media, request, (HttpResponse **)whole);
}

/* The answer that was given before, if this request wants the same. */
static HttpResponse *
repeat_locked (HttpRequest *request, gpointer whole)
{
  if (whole == NULL || http_request_get_header (request, "Range") != NULL ||
      http_request_get_header (request, "If-None-Match") != NULL)
    return NULL;
  return http_response_ref (whole);
}

static HttpResponse *
segment_locked (OriginBroadcast *self, HttpRequest *request,
    const OriginRoute *route, guint track, MediaSegment *segment)
{
  HttpResponse *response = repeat_locked (request, segment->answer);
  g_autoptr (GPtrArray) pieces = NULL;

  if (response != NULL)
    return response;
  pieces = g_ptr_array_sized_new (segment->parts->len);
  for (guint i = 0; i < segment->parts->len; i++)
    g_ptr_array_add (
        pieces, g_array_index (segment->parts, MediaPart, i).bytes);
  return bytes_locked (self, request, route, track, pieces, &segment->answer);
}

static HttpResponse *
one_piece_locked (OriginBroadcast *self, HttpRequest *request,
    const OriginRoute *route, guint track, GBytes *bytes, gpointer *whole)
{
  HttpResponse *response = repeat_locked (request, *whole);
  g_autoptr (GPtrArray) pieces = NULL;

  if (response != NULL)
    return response;
  pieces = g_ptr_array_sized_new (1);
  g_ptr_array_add (pieces, bytes);
  return bytes_locked (self, request, route, track, pieces, whole);
}

/* What a playlist or a part is answered with, or NULL if it was held. */
static HttpResponse *
blocking_locked (OriginBroadcast *self, HttpRequest *request, Waiter *how,
    gint64 now, gboolean *missing)
{
  const Waiter *before = http_request_get_data (request);
  const OriginRoute *route = &how->route;
  MediaPart *part = NULL;

  switch (check_locked (self, route, how->track, &how->directives)) {
    case MEDIA_READY:
      if (route->kind == ORIGIN_ROUTE_MEDIA)
        return media_playlist_locked (
            self, request, how->track, how->directives.has_msn);
      media_window_find_part (self->window, how->track, route->epoch,
          route->msn, route->part, &part);
      return one_piece_locked (
          self, request, route, how->track, part->bytes, &part->answer);
    case MEDIA_WAIT:
      if (before != NULL && before->expired)
        return origin_answer_canned (ORIGIN_CANNED_BUSY);
      how->request = request;
      how->deadline =
          before != NULL
              ? before->deadline
              : now + BLOCK_TARGETS * G_USEC_PER_SEC *
                          media_window_get_target_duration (self->window);
      return park_locked (self, request, how);
    case MEDIA_BAD:
      return origin_answer_canned (ORIGIN_CANNED_BAD_REQUEST);
    case MEDIA_MISSING:
    default:
      *missing = TRUE;
      return NULL;
  }
}

static HttpResponse *
answer_track_locked (OriginBroadcast *self, HttpRequest *request, Waiter *how,
    gint64 now, gboolean *missing)
{
  const OriginRoute *route = &how->route;
  MediaSegment *segment;
  MediaInit *init;

  if (route->kind == ORIGIN_ROUTE_MEDIA || route->kind == ORIGIN_ROUTE_PART)
    return blocking_locked (self, request, how, now, missing);
  if (route->kind == ORIGIN_ROUTE_INIT) {
    init = media_window_find_init (self->window, how->track, route->epoch);
    if (init != NULL)
      return one_piece_locked (
          self, request, route, how->track, init->bytes, &init->answer);
  } else if (media_window_find_segment (self->window, how->track, route->epoch,
                 route->msn, &segment) == MEDIA_READY) {
    return segment_locked (self, request, route, how->track, segment);
  }
  *missing = TRUE;
  return NULL;
}

/**
 * origin_broadcast_answer:
 * @route: anything but the poster
 * @missing: (out): set to %TRUE if memory does not have it
 *
 * Returns: (transfer full) (nullable): the answer, or %NULL if the request is
 *     held, or is for the store if @missing
 */
HttpResponse *
origin_broadcast_answer (OriginBroadcast *self, HttpRequest *request,
    const OriginRoute *route, gint64 now, gboolean *missing)
{
  const Waiter *before = http_request_get_data (request);
  Waiter how = {.route = *route};
  HttpResponse *response;
  int track;

  *missing = FALSE;
  if (before != NULL)
    how.directives = before->directives;
  else if (route->kind == ORIGIN_ROUTE_MEDIA &&
           !http_query_parse (
               http_request_get_query (request), &how.directives))
    return origin_answer_canned (ORIGIN_CANNED_BAD_REQUEST);

  g_mutex_lock (&self->lock);
  if (route->kind == ORIGIN_ROUTE_MASTER) {
    response = multivariant_locked (self, request);
  } else {
    track =
        track_table_find (media_window_get_tracks (self->window), route->track);
    if (track >= 0) {
      how.track = track;
      response = answer_track_locked (self, request, &how, now, missing);
    } else {
      *missing = TRUE;
      response = NULL;
    }
  }
  g_mutex_unlock (&self->lock);
  return response;
}
