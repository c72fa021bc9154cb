/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "originstore.h"

#include <string.h>

#include "cachereader.h"
#include "originanswer.h"
#include "originrecording.h"

/* Readers that are kept open. Each has a descriptor a track and its index; a
 * link beyond these is opened again, which costs little. */
#define MAX_READERS 32
/* A reader is reopened after this, so a link that was cleared from the cache
 * stops being served, and its descriptors go. */
#define READER_LIFE (60 * G_USEC_PER_SEC)
#define RECORDING_MAX_AGE 300
/* How long it is known that a link was read. */
#define READ_KEPT (10 * 60 * G_USEC_PER_SEC)
/* A link without an end, but not on air: its publisher may come back. */
#define BROKEN_MAX_AGE 1
/* How long it has for that; the default of the launcher. */
#define RESUME_WINDOW (90 * G_USEC_PER_SEC)

/* Segments read beyond the DVR window: as many as the shortest playlist may
 * have, and those that the store is ahead of the origin. */
#define SEED_MARGIN 8

typedef struct {
  gatomicrefcount refs;
  char *link;
  gint64 expires;

  GMutex lock; /* of all below */
  CacheReader *reader;
  OriginPlaylist *multivariant;
  GPtrArray *playlists; /* of OriginPlaylist or NULL, by track */
} Entry;

struct _OriginStore {
  char *cache_dir;
  GMutex lock;
  GQueue entries; /* of Entry, most recently used first; with lock */
  /* link -> gint64, when it was last answered; with lock. Only of links that are
   * there, so there are no more of them than the cache holds. */
  GHashTable *reads;
};

static void
playlist_free (gpointer playlist)
{
  origin_playlist_free (playlist);
}

static void
entry_unref (Entry *entry)
{
  if (entry == NULL || !g_atomic_ref_count_dec (&entry->refs))
    return;
  origin_playlist_free (entry->multivariant);
  g_ptr_array_unref (entry->playlists);
  cache_reader_free (entry->reader);
  g_mutex_clear (&entry->lock);
  g_free (entry->link);
  g_free (entry);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Entry, entry_unref)

/**
 * origin_store_new:
 *
 * Returns: (transfer full):
 */
OriginStore *
origin_store_new (const char *cache_dir)
{
  OriginStore *store = g_new0 (OriginStore, 1);

  store->cache_dir = g_strdup (cache_dir);
  g_mutex_init (&store->lock);
  g_queue_init (&store->entries);
  store->reads =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return store;
}

void
origin_store_free (OriginStore *store)
{
  if (store == NULL)
    return;
  g_queue_clear_full (&store->entries, (GDestroyNotify)entry_unref);
  g_hash_table_unref (store->reads);
  g_mutex_clear (&store->lock);
  g_free (store->cache_dir);
  g_free (store);
}

const char *
origin_store_get_dir (OriginStore *store)
{
  return store->cache_dir;
}

/* Drops what is past its life and, with @make_room, the least recently used. */
static void
trim_locked (OriginStore *store, gint64 now, gboolean make_room)
{
  for (GList *l = store->entries.head; l != NULL;) {
    GList *next = l->next;
    Entry *entry = l->data;

    if (now >= entry->expires) {
      g_queue_delete_link (&store->entries, l);
      entry_unref (entry);
    }
    l = next;
  }
  if (make_room && store->entries.length >= MAX_READERS)
    entry_unref (g_queue_pop_tail (&store->entries));
}

static gboolean
is_long_ago (gpointer link, gpointer read, gpointer now)
{
  return *(gint64 *)now - *(gint64 *)read > READ_KEPT;
}

/**
 * origin_store_sweep:
 *
 * Closes readers that nobody used for a while. Does not touch the disk.
 */
void
origin_store_sweep (OriginStore *store, gint64 now)
{
  g_mutex_lock (&store->lock);
  trim_locked (store, now, FALSE);
  g_hash_table_foreach_remove (store->reads, is_long_ago, &now);
  g_mutex_unlock (&store->lock);
}

static void
note_read (OriginStore *store, const char *link, gint64 now)
{
  gint64 *read;

  g_mutex_lock (&store->lock);
  read = g_hash_table_lookup (store->reads, link);
  if (read == NULL) {
    read = g_new (gint64, 1);
    g_hash_table_insert (store->reads, g_strdup (link), read);
  }
  *read = now;
  g_mutex_unlock (&store->lock);
}

gint64
origin_store_get_last_read (OriginStore *store, const char *link)
{
  const gint64 *read;
  gint64 at;

  g_mutex_lock (&store->lock);
  read = g_hash_table_lookup (store->reads, link);
  at = read != NULL ? *read : 0;
  g_mutex_unlock (&store->lock);
  return at;
}

/**
 * origin_store_forget:
 *
 * Drops the reader of a link that was cleared, with its playlists: it has the
 * files still, but what it does not have cannot be read any more.
 */
void
origin_store_forget (OriginStore *store, const char *link)
{
  g_mutex_lock (&store->lock);
  g_hash_table_remove (store->reads, link);
  for (GList *l = store->entries.head; l != NULL;) {
    GList *next = l->next;
    Entry *entry = l->data;

    if (strcmp (entry->link, link) == 0) {
      g_queue_delete_link (&store->entries, l);
      entry_unref (entry);
    }
    l = next;
  }
  g_mutex_unlock (&store->lock);
}

static Entry *
find_locked (OriginStore *store, const char *link)
{
  for (GList *l = store->entries.head; l != NULL; l = l->next) {
    Entry *entry = l->data;

    if (strcmp (entry->link, link) != 0)
      continue;
    g_queue_unlink (&store->entries, l);
    g_queue_push_head_link (&store->entries, l);
    g_atomic_ref_count_inc (&entry->refs);
    return entry;
  }
  return NULL;
}

/* A reader for @link; NULL if there is no such store. What is not there leaves
 * no trace: a name costs one failed open each time. */
static Entry *
open_entry (OriginStore *store, const char *link, gint64 now)
{
  CacheReader *reader;
  Entry *entry;

  g_mutex_lock (&store->lock);
  trim_locked (store, now, FALSE);
  entry = find_locked (store, link);
  g_mutex_unlock (&store->lock);
  if (entry != NULL)
    return entry;

  reader = cache_reader_open (store->cache_dir, link, NULL);
  if (reader == NULL)
    return NULL;
  entry = g_new0 (Entry, 1);
  g_atomic_ref_count_init (&entry->refs);
  entry->link = g_strdup (link);
  entry->expires = now + READER_LIFE;
  entry->reader = reader;
  entry->playlists = g_ptr_array_new_with_free_func (playlist_free);
  g_mutex_init (&entry->lock);

  g_mutex_lock (&store->lock);
  trim_locked (store, now, TRUE);
  g_atomic_ref_count_inc (&entry->refs);
  g_queue_push_head (&store->entries, entry);
  g_mutex_unlock (&store->lock);
  return entry;
}

/* --- media ------------------------------------------------------------------ */

static gboolean
find_extent (
    CacheReader *reader, const OriginRoute *route, int track, CacheExtent *out)
{
  CacheSegment segment;
  ChunkInfo info;

  switch (route->kind) {
    case ORIGIN_ROUTE_INIT:
      return cache_reader_find_init (reader, track, route->epoch, &info, out);
    case ORIGIN_ROUTE_PART:
      return cache_reader_find_part (
                 reader, track, route->msn, route->part, &info, out) &&
             info.epoch == route->epoch;
    case ORIGIN_ROUTE_SEGMENT:
      if (!cache_reader_find_segment (reader, track, route->msn, &segment) ||
          segment.epoch != route->epoch)
        return FALSE;
      *out = segment.extent;
      return TRUE;
    case ORIGIN_ROUTE_MASTER:
    case ORIGIN_ROUTE_POSTER:
    case ORIGIN_ROUTE_MEDIA:
    default:
      g_return_val_if_reached (FALSE);
  }
}

static HttpResponse *
answer_media (Entry *entry, HttpRequest *request, const OriginRoute *route)
{
  int track =
      track_table_find (cache_reader_get_tracks (entry->reader), route->track);
  g_autofree char *etag = origin_media_etag (route);
  OriginMedia media = {.etag = etag};
  CacheExtent extent;

  if (track < 0)
    return NULL;
  if (!find_extent (entry->reader, route, track, &extent)) {
    /* What has just left memory may be newer than what the reader knows. */
    if (!cache_reader_refresh (entry->reader, NULL) ||
        !find_extent (entry->reader, route, track, &extent))
      return NULL;
  }
  media.content_type = origin_media_type (
      track_table_get (cache_reader_get_tracks (entry->reader), track));
  media.size = extent.length;
  media.fd = extent.fd;
  media.offset = extent.offset;
  return origin_media_answer (&media, request, NULL);
}

/* --- recordings --------------------------------------------------------------- */

static OriginPlaylist *
wrap (Entry *entry, GBytes *text)
{
  g_autofree char *sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, text);
  guint max_age = cache_reader_is_ended (entry->reader) ? RECORDING_MAX_AGE
                                                        : BROKEN_MAX_AGE;
  OriginPlaylistConfig config = {
      .etag = sum,
      .modified = g_get_real_time () / G_USEC_PER_SEC,
      .max_age = max_age,
      .max_age_blocking = max_age,
  };

  return origin_playlist_new (text, &config);
}

static HttpResponse *
answer_multivariant (Entry *entry, HttpRequest *request)
{
  if (entry->multivariant == NULL) {
    g_autoptr (GBytes) text =
        origin_recording_render_multivariant (entry->reader);

    if (text == NULL)
      return NULL;
    entry->multivariant = wrap (entry, text);
  }
  return origin_playlist_answer (entry->multivariant, request, FALSE);
}

static HttpResponse *
answer_playlist (Entry *entry, HttpRequest *request, const char *name)
{
  int track = track_table_find (cache_reader_get_tracks (entry->reader), name);
  OriginPlaylist *playlist;

  if (track < 0)
    return NULL;
  if (entry->playlists->len <= (guint)track)
    g_ptr_array_set_size (entry->playlists, track + 1);
  playlist = g_ptr_array_index (entry->playlists, track);
  if (playlist == NULL) {
    g_autoptr (GBytes) text = origin_recording_render (entry->reader, track);

    if (text == NULL)
      return NULL;
    playlist = wrap (entry, text);
    entry->playlists->pdata[track] = playlist;
  }
  return origin_playlist_answer (playlist, request, FALSE);
}

/* A broadcast whose publisher vanished a moment ago may be on its way back, to
 * this origin or another: an EXT-X-ENDLIST now could never be taken back. */
static gboolean
may_go_on (CacheReader *reader)
{
  int lead = origin_recording_lead (reader);
  guint n = lead < 0 ? 0 : cache_reader_count_segments (reader, lead);
  CacheSegment last;

  return n > 0 && !cache_reader_is_ended (reader) &&
         cache_reader_get_segment (reader, lead, n - 1, &last) &&
         g_get_real_time () - last.wallclock - (gint64)(last.duration / 1000) <
             RESUME_WINDOW;
}

/**
 * origin_store_answer:
 * @route: anything but the poster
 * @on_air: playlists are not the store's to answer
 *
 * Returns: (transfer full) (nullable): the answer, or %NULL if the store does
 *     not have it
 */
HttpResponse *
origin_store_answer (OriginStore *store, HttpRequest *request,
    const OriginRoute *route, gboolean on_air, gint64 now)
{
  gboolean is_playlist =
      route->kind == ORIGIN_ROUTE_MASTER || route->kind == ORIGIN_ROUTE_MEDIA;
  g_autoptr (Entry) entry = NULL;
  HttpResponse *response;

  if (is_playlist && on_air)
    return NULL;
  entry = open_entry (store, route->link, now);
  if (entry == NULL)
    return NULL;
  g_mutex_lock (&entry->lock);
  if (is_playlist && may_go_on (entry->reader))
    response = NULL;
  else if (route->kind == ORIGIN_ROUTE_MASTER)
    response = answer_multivariant (entry, request);
  else if (route->kind == ORIGIN_ROUTE_MEDIA)
    response = answer_playlist (entry, request, route->track);
  else
    response = answer_media (entry, request, route);
  g_mutex_unlock (&entry->lock);
  if (response != NULL)
    note_read (store, route->link, now);
  return response;
}

/* --- what a live window goes on from -------------------------------------------- */

void
origin_seed_free (OriginSeed *seed)
{
  if (seed == NULL)
    return;
  track_table_unref (seed->table);
  g_array_unref (seed->epochs);
  g_ptr_array_unref (seed->tracks);
  g_free (seed);
}

static GArray *
read_track (CacheReader *reader, guint track, guint64 first_msn)
{
  GArray *out = g_array_new (FALSE, TRUE, sizeof (MediaSegment));
  guint position = cache_reader_lower_bound (reader, track, first_msn);
  CacheSegment segment;

  for (; cache_reader_get_segment (reader, track, position, &segment);
       position++) {
    MediaSegment seed = {
        .epoch = segment.epoch,
        .msn = segment.msn,
        .dts = segment.dts,
        .duration = segment.duration,
        .wallclock = segment.wallclock,
        .size = segment.extent.length,
    };

    g_array_append_val (out, seed);
  }
  return out;
}

/* The MSN of @lead where the last @window ns begin. */
static guint64
first_msn_within (CacheReader *reader, guint lead, guint64 window)
{
  guint position = cache_reader_count_segments (reader, lead);
  CacheSegment segment = {0};
  guint64 listed = 0;

  while (position > 0 && listed < window &&
         cache_reader_get_segment (reader, lead, position - 1, &segment)) {
    listed += segment.duration;
    position--;
  }
  return segment.msn;
}

static OriginSeed *
read_seed (CacheReader *reader, guint64 dvr_window)
{
  OriginSeed *seed;
  int lead = origin_recording_lead (reader);
  guint64 first;
  MediaEpoch epoch;

  if (lead < 0 || cache_reader_is_ended (reader))
    return NULL;
  /* The window cuts what is too much: it knows the shortest list allowed. */
  first = first_msn_within (reader, lead,
      dvr_window +
          SEED_MARGIN * cache_reader_get_tracks (reader)->max_segment_duration);
  seed = g_new0 (OriginSeed, 1);
  seed->table =
      track_table_ref ((TrackTable *)cache_reader_get_tracks (reader));
  seed->lead = lead;
  seed->epochs = g_array_new (FALSE, FALSE, sizeof (MediaEpoch));
  for (guint i = 0;
       cache_reader_get_epoch (reader, i, &epoch.number, &epoch.first_msn); i++)
    g_array_append_val (seed->epochs, epoch);
  seed->tracks = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  for (guint i = 0; i < track_table_size (seed->table); i++)
    g_ptr_array_add (seed->tracks, read_track (reader, i, first));
  return seed;
}

/**
 * origin_store_read_seed:
 * @dvr_window: ns
 *
 * Returns: (transfer full) (nullable): the newest @dvr_window of @link, or %NULL
 *     if nothing is stored or it has ended
 */
OriginSeed *
origin_store_read_seed (
    OriginStore *store, const char *link, guint64 dvr_window, gint64 now)
{
  g_autoptr (Entry) entry = open_entry (store, link, now);
  OriginSeed *seed = NULL;

  if (entry == NULL)
    return NULL;
  g_mutex_lock (&entry->lock);
  if (cache_reader_refresh (entry->reader, NULL))
    seed = read_seed (entry->reader, dvr_window);
  g_mutex_unlock (&entry->lock);
  return seed;
}
