/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archiver.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "archivelink.h"
#include "cachelayout.h"
#include "cachereader.h"
#include "link.h"
#include "maincontext.h"

/* Broadcasts that are over have time. Each costs memory and the disk, and a
 * start after a long time away finds many. */
#define MOST_ENDED 2
#define POOL_THREADS 4
#define TICK 1000 /* ms */
/* A monitor of the folder tells at once, but not on every file system, and not
 * when an old link ends. */
#define SCAN_TICKS 5
#define PATIENCE G_USEC_PER_SEC
#define STATE_MODE 0700
#define CACHE_MODE 0750

/* One that is not archived yet. */
typedef struct {
  ArchiveLink *link; /* NULL until its turn to begin */
  gboolean is_open;  /* on air, or interrupted */
  gint64 index_size; /* when it was last seen not to have ended */
  guint64 left;      /* bytes */
} Entry;

struct _Archiver {
  ArchiverShared shared;
  Broadcasts *broadcasts; /* or NULL */
  GMainLoop *loop;
  GThread *thread;

  /* of the thread */
  GHashTable *entries; /* name -> Entry */
  GHashTable *done;    /* names in the cache of which nothing is left to do */
  GFileMonitor *monitor;
  gboolean is_scheduled;
  guint n_ticks;
  guint64 bytes, archived;

  GMutex lock;
  ArchiverFigures figures; /* with lock */
};

/* --- Jobs ------------------------------------------------------------------------*/

void
archiver_call (ArchiverShared *shared, GSourceFunc func, gpointer data,
    GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, shared->context);
}

static void
job_free (gpointer data)
{
  ArchiveJob *job = data;

  g_clear_error (&job->error);
  job->free (job);
}

static gboolean
finish_job (gpointer data)
{
  ArchiveJob *job = data;

  job->done (job);
  return G_SOURCE_REMOVE;
}

static void
run_job (gpointer data, gpointer unused)
{
  ArchiveJob *job = data;

  if (!g_cancellable_set_error_if_cancelled (
          job->shared->cancellable, &job->error))
    job->work (job);
  archiver_call (job->shared, finish_job, job, job_free);
}

void
archiver_push_job (ArchiverShared *shared, ArchiveJob *job)
{
  job->shared = shared;
  g_thread_pool_push (shared->pool, job, NULL);
}

/* --- Who may go on -----------------------------------------------------------------*/

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  archive_link_free (entry->link);
  g_free (entry);
}

/* TRUE: the entry may go. */
static gboolean
settle (Archiver *archiver, const char *name, Entry *entry)
{
  if (entry->link == NULL || !archive_link_is_done (entry->link))
    return FALSE;
  archiver->bytes += archive_link_take_bytes (entry->link);
  archiver->archived++;
  g_hash_table_add (archiver->done, g_strdup (name));
  return TRUE;
}

static gboolean
takes_place (const Entry *entry)
{
  return !entry->is_open && archive_link_is_long (entry->link) &&
         archive_link_is_working (entry->link);
}

/* What is on air goes on in any case, and what has only its end to do: nobody
 * waits for a recording because of an older one. */
static void
schedule (Archiver *archiver)
{
  GHashTableIter iter;
  gpointer name, value;
  guint n_ended = 0;

  g_hash_table_iter_init (&iter, archiver->entries);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    Entry *entry = value;

    if (settle (archiver, name, entry))
      g_hash_table_iter_remove (&iter);
    else if (entry->link != NULL)
      n_ended += takes_place (entry);
  }
  g_hash_table_iter_init (&iter, archiver->entries);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    Entry *entry = value;

    if (entry->link == NULL || !archive_link_is_waiting (entry->link) ||
        (!entry->is_open && archive_link_is_long (entry->link) &&
            n_ended >= MOST_ENDED))
      continue;
    archive_link_step (entry->link);
    n_ended += takes_place (entry);
  }
}

static gboolean
on_scheduled (gpointer data)
{
  Archiver *archiver = data;

  archiver->is_scheduled = FALSE;
  schedule (archiver);
  return G_SOURCE_REMOVE;
}

/* Called by links in the middle of what they do. */
static void
on_changed (gpointer data)
{
  Archiver *archiver = data;

  if (archiver->is_scheduled)
    return;
  archiver->is_scheduled = TRUE;
  archiver_call (&archiver->shared, on_scheduled, archiver, NULL);
}

/* --- What there is ------------------------------------------------------------------*/

/* (transfer full): the links that are not over, as a set. */
static GHashTable *
list_open (Archiver *archiver)
{
  GHashTable *open =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) list = NULL;

  if (archiver->broadcasts == NULL)
    return open;
  list = broadcasts_list (archiver->broadcasts);
  for (guint i = 0; i < list->len; i++) {
    const BroadcastStatus *status = list->pdata[i];

    g_hash_table_add (open, g_strdup (status->link));
  }
  return open;
}

/* The folder is there a moment before the index is. 0: not yet. */
static off_t
get_index_size (Archiver *archiver, const char *name)
{
  g_autofree char *path = g_build_filename (
      archiver->shared.cache_dir, name, CACHE_INDEX_NAME, NULL);
  struct stat file;

  return stat (path, &file) == 0 ? file.st_size : 0;
}

/* One that nobody writes any more, and that did not end, waits for who ends it.
 * The index is read again only when it grew. */
static gboolean
has_ended (Archiver *archiver, const char *name, Entry *entry)
{
  off_t size = get_index_size (archiver, name);
  g_autoptr (CacheReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  if (size == 0 || size == entry->index_size)
    return FALSE;
  entry->index_size = size;
  reader = cache_reader_open (archiver->shared.cache_dir, name, &error);
  if (reader == NULL)
    g_message ("%s cannot be archived: %s", name, error->message);
  return reader != NULL && cache_reader_is_ended (reader);
}

/* (transfer full) */
static ArchiveState *
load_state (Archiver *archiver, const char *name)
{
  ArchiverShared *shared = &archiver->shared;
  g_autoptr (GError) error = NULL;
  g_autofree char *object = NULL;
  ArchiveState *state = archive_state_load (shared->state_dir, name, &error);

  if (state != NULL)
    return state;
  if (error != NULL)
    g_message (
        "%s; the recording of %s is archived anew", error->message, name);
  object = archive_store_name (shared->store, name, 0);
  state = archive_state_new (object);
  g_clear_error (&error);
  if (!archive_state_save (state, shared->state_dir, name, &error))
    g_message ("%s", error->message);
  return state;
}

static void
look_at (Archiver *archiver, const char *name, Entry *entry)
{
  g_autoptr (ArchiveState) state = NULL;

  if (entry->link != NULL)
    return;
  if (entry->is_open ? get_index_size (archiver, name) == 0
                     : !has_ended (archiver, name, entry))
    return;
  state = load_state (archiver, name);
  entry->link =
      archive_link_new (&archiver->shared, name, g_steal_pointer (&state));
}

static gboolean
is_done (Archiver *archiver, const char *name)
{
  return archiver_get_progress (archiver->shared.state_dir, name) ==
         ARCHIVE_DONE;
}

static void
take_name (Archiver *archiver, const char *name, GHashTable *open)
{
  Entry *entry = g_hash_table_lookup (archiver->entries, name);

  if (!link_is_valid (name) || g_hash_table_contains (archiver->done, name))
    return;
  if (entry == NULL && is_done (archiver, name)) {
    g_hash_table_add (archiver->done, g_strdup (name));
    return;
  }
  if (entry == NULL) {
    entry = g_new0 (Entry, 1);
    entry->index_size = -1;
    g_hash_table_insert (archiver->entries, g_strdup (name), entry);
  }
  entry->is_open = g_hash_table_contains (open, name);
  look_at (archiver, name, entry);
}

static gboolean
is_in_cache (Archiver *archiver, const char *name)
{
  g_autofree char *path =
      g_build_filename (archiver->shared.cache_dir, name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* The cache of what is done goes some day; one that was never begun may, too. */
static void
forget_gone (Archiver *archiver)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, archiver->done);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!is_in_cache (archiver, name)) {
      archive_state_delete (archiver->shared.state_dir, name);
      g_hash_table_iter_remove (&iter);
    }
  g_hash_table_iter_init (&iter, archiver->entries);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (((Entry *)value)->link == NULL && !is_in_cache (archiver, name))
      g_hash_table_iter_remove (&iter);
}

/* What was under way when its cache was cleared has a state file alone. */
static void
take_states (Archiver *archiver, GHashTable *open)
{
  g_autoptr (GDir) dir = g_dir_open (archiver->shared.state_dir, 0, NULL);
  const char *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL) {
    g_autofree char *name = g_str_has_suffix (file, ".json")
                                ? g_strndup (file, strlen (file) - 5)
                                : NULL;
    Entry *entry;

    if (name == NULL || is_in_cache (archiver, name))
      continue;
    take_name (archiver, name, open);
    entry = g_hash_table_lookup (archiver->entries, name);
    if (entry != NULL && entry->link == NULL)
      entry->link = archive_link_new (
          &archiver->shared, name, load_state (archiver, name));
  }
}

static void
scan (Archiver *archiver)
{
  g_autoptr (GHashTable) open = list_open (archiver);
  g_autoptr (GDir) dir = g_dir_open (archiver->shared.cache_dir, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    take_name (archiver, name, open);
  forget_gone (archiver);
  schedule (archiver);
}

static void
on_folder_changed (GFileMonitor *monitor, GFile *file, GFile *other,
    GFileMonitorEvent event, gpointer data)
{
  if (event == G_FILE_MONITOR_EVENT_CREATED ||
      event == G_FILE_MONITOR_EVENT_RENAMED ||
      event == G_FILE_MONITOR_EVENT_MOVED_IN)
    scan (data);
}

/* --- Figures ------------------------------------------------------------------------*/

static guint64
get_file_size (const char *folder, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.cmaf", folder, name);
  struct stat file;

  return stat (path, &file) == 0 ? (guint64)file.st_size : 0;
}

/* Of the tracks that a recording has unless the description says otherwise: the
 * first of each type. */
static guint64
get_cached_bytes (Archiver *archiver, const char *name)
{
  CacheFolder folder = {.fd = -1};
  TrackTable *table = NULL;
  gboolean has[2] = {FALSE, FALSE};
  guint64 bytes = 0;

  if (cache_folder_open (&folder, archiver->shared.cache_dir, name, NULL) &&
      cache_folder_read_table (&folder, &table, NULL, NULL)) {
    for (guint i = 0; i < track_table_size (table); i++) {
      const Track *track = track_table_get (table, i);
      guint type = track->type == TRACK_VIDEO ? 0 : 1;

      if (!has[type])
        bytes += get_file_size (folder.path, track->name);
      has[type] = TRUE;
    }
    track_table_unref (table);
  }
  cache_folder_clear (&folder);
  return bytes;
}

static void
measure (Archiver *archiver)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, archiver->entries);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    Entry *entry = value;
    guint64 cached = get_cached_bytes (archiver, name);
    guint64 taken =
        entry->link != NULL ? archive_link_get_position (entry->link) : 0;

    entry->left = cached > taken ? cached - taken : 0;
  }
}

static void
update_figures (Archiver *archiver)
{
  ArchiverFigures figures = {.n_archived = archiver->archived};
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, archiver->entries);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    const Entry *entry = value;
    const char *problem =
        entry->link != NULL ? archive_link_get_problem (entry->link) : NULL;

    figures.n_open++;
    figures.n_left += entry->left;
    if (entry->link != NULL)
      archiver->bytes += archive_link_take_bytes (entry->link);
    if (problem == NULL)
      continue;
    figures.n_failing++;
    g_free (figures.problem);
    figures.problem = g_strdup_printf ("%s: %s", (char *)name, problem);
  }
  figures.n_bytes = archiver->bytes;
  g_mutex_lock (&archiver->lock);
  archiver_figures_clear (&archiver->figures);
  archiver->figures = figures;
  g_mutex_unlock (&archiver->lock);
}

void
archiver_get_figures (Archiver *archiver, ArchiverFigures *figures)
{
  g_mutex_lock (&archiver->lock);
  *figures = archiver->figures;
  figures->problem = g_strdup (figures->problem);
  g_mutex_unlock (&archiver->lock);
}

void
archiver_figures_clear (ArchiverFigures *figures)
{
  g_clear_pointer (&figures->problem, g_free);
}

/* --- The thread ----------------------------------------------------------------------*/

static gboolean
on_tick (gpointer data)
{
  Archiver *archiver = data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, archiver->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Entry *)value)->link != NULL)
      archive_link_tick (((Entry *)value)->link, now);
  if (++archiver->n_ticks % SCAN_TICKS == 0) {
    scan (archiver);
    measure (archiver);
  }
  update_figures (archiver);
  return G_SOURCE_CONTINUE;
}

static void
watch_cache (Archiver *archiver)
{
  g_autoptr (GFile) dir = g_file_new_for_path (archiver->shared.cache_dir);

  archiver->monitor =
      g_file_monitor_directory (dir, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (archiver->monitor != NULL)
    g_signal_connect (
        archiver->monitor, "changed", G_CALLBACK (on_folder_changed), archiver);
}

static gpointer
run (gpointer data)
{
  Archiver *archiver = data;
  g_autoptr (GSource) tick = g_timeout_source_new (TICK);
  g_autoptr (GHashTable) open = NULL;

  g_main_context_push_thread_default (archiver->shared.context);
  g_source_set_callback (tick, on_tick, archiver, NULL);
  g_source_attach (tick, archiver->shared.context);
  watch_cache (archiver);
  open = list_open (archiver);
  take_states (archiver, open);
  scan (archiver);
  g_main_loop_run (archiver->loop);
  g_clear_object (&archiver->monitor);
  g_source_destroy (tick);
  /* Pipelines are stopped where they were started. */
  g_cancellable_cancel (archiver->shared.cancellable);
  g_thread_pool_free (archiver->shared.pool, FALSE, TRUE);
  pg_worker_free (archiver->shared.worker, PATIENCE);
  g_hash_table_remove_all (archiver->entries);
  g_main_context_pop_thread_default (archiver->shared.context);
  return NULL;
}

static gboolean
make_folder (const char *path, int mode, GError **error)
{
  if (g_mkdir_with_parents (path, mode) == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
      "The folder \"%s\" cannot be made: %s", path, g_strerror (errno));
  return FALSE;
}

static void
set_shared (Archiver *archiver, const ArchiverSettings *settings)
{
  ArchiverShared *shared = &archiver->shared;

  shared->node = g_strdup (settings->node);
  shared->cache_dir = g_strdup (settings->cache_dir);
  shared->state_dir = g_strdup (settings->state_dir);
  shared->pipeline = g_strdup (settings->pipeline);
  shared->store = archive_store_ref (settings->store);
  shared->context = g_main_context_new ();
  shared->pool =
      g_thread_pool_new (run_job, archiver, POOL_THREADS, FALSE, NULL);
  shared->worker =
      pg_worker_new ("archiver-rows", settings->conninfo, NULL, NULL, NULL);
  shared->cancellable = g_cancellable_new ();
  shared->changed = on_changed;
  shared->data = archiver;
}

Archiver *
archiver_new (const ArchiverSettings *settings, GError **error)
{
  Archiver *archiver;

  if (!make_folder (settings->state_dir, STATE_MODE, error) ||
      !make_folder (settings->cache_dir, CACHE_MODE, error))
    return NULL;
  archiver = g_new0 (Archiver, 1);
  set_shared (archiver, settings);
  archiver->broadcasts = settings->broadcasts;
  archiver->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  archiver->done =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_init (&archiver->lock);
  archiver->loop = g_main_loop_new (archiver->shared.context, FALSE);
  archiver->thread = g_thread_new ("archiver", run, archiver);
  return archiver;
}

void
archiver_free (Archiver *archiver)
{
  ArchiverShared *shared;

  if (archiver == NULL)
    return;
  shared = &archiver->shared;
  main_loop_end (archiver->loop);
  g_thread_join (archiver->thread);
  g_main_loop_unref (archiver->loop);
  g_main_context_unref (shared->context);
  g_hash_table_unref (archiver->entries);
  g_hash_table_unref (archiver->done);
  archive_store_unref (shared->store);
  g_object_unref (shared->cancellable);
  g_free (shared->node);
  g_free (shared->cache_dir);
  g_free (shared->state_dir);
  g_free (shared->pipeline);
  archiver_figures_clear (&archiver->figures);
  g_mutex_clear (&archiver->lock);
  g_free (archiver);
}

/* --- Without one ---------------------------------------------------------------------*/

ArchiveProgress
archiver_get_progress (const char *state_dir, const char *link)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ArchiveState) state = archive_state_load (state_dir, link, &error);

  if (state != NULL)
    return archive_state_is_done (state) ? ARCHIVE_DONE : ARCHIVE_UPLOADING;
  /* One that cannot be read may be of something. */
  return error != NULL ? ARCHIVE_UPLOADING : ARCHIVE_NONE;
}

void
archiver_forget (const char *state_dir, const char *link)
{
  archive_state_delete (state_dir, link);
}
