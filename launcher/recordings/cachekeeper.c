/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cachekeeper.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "archiver.h"
#include "cacheclear.h"
#include "cacheplan.h"
#include "cachescan.h"
#include "link.h"
#include "sizetext.h"

#define INTERVAL (5 * G_USEC_PER_SEC)
#define NS_PER_US 1000
/* A player that paused for longer begins anew, from the archive. */
#define READ_LATELY (120 * G_USEC_PER_SEC)
/* A store without an end, which no broadcast of this node writes: somebody else
 * may, until it has been left alone for so long. */
#define LEFT_ALONE (600 * G_USEC_PER_SEC)
/* What cannot be cleared is tried again after this. */
#define STUCK (600 * G_USEC_PER_SEC)

#define STATE_SUFFIX ".json"

struct _CacheKeeper {
  char *cache_dir;
  char *state_dir;
  char *max_size;
  gint64 dvr_window; /* us */
  Broadcasts *broadcasts;
  GThread *thread;

  /* of the thread: what was told already */
  gboolean is_unreadable;
  gboolean is_tight;
  gboolean is_full;

  GMutex lock;
  GCond stopping;
  /* with lock: */
  gboolean is_stopping;
  CacheKeeperFigures figures;
};

static gboolean
is_stopping (CacheKeeper *self)
{
  gboolean stopping;

  g_mutex_lock (&self->lock);
  stopping = self->is_stopping;
  g_mutex_unlock (&self->lock);
  return stopping;
}

/* --- what there is -------------------------------------------------------------- */

/* The links of the broadcasts that are not over. (transfer full) */
static GHashTable *
list_open (CacheKeeper *self)
{
  GHashTable *open =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) list = NULL;

  if (self->broadcasts == NULL)
    return open;
  list = broadcasts_list (self->broadcasts);
  for (guint i = 0; i < list->len; i++) {
    const BroadcastStatus *status = list->pdata[i];

    g_hash_table_add (open, g_strdup (status->link));
  }
  return open;
}

static gboolean
is_open (const CacheEntry *entry, GHashTable *open, gint64 now)
{
  return g_hash_table_contains (open, entry->link) ||
         (!entry->has_end && now - entry->written_at < LEFT_ALONE);
}

/* What is done stays so. */
static gboolean
is_archived (CacheKeeper *self, CacheEntry *entry)
{
  if (!entry->is_archived)
    entry->is_archived =
        archiver_get_progress (self->state_dir, entry->link) == ARCHIVE_DONE;
  return entry->is_archived;
}

static gboolean
is_read (CacheKeeper *self, const char *link)
{
  gint64 last = self->broadcasts != NULL
                    ? broadcasts_get_last_read (self->broadcasts, link)
                    : 0;

  return (last != 0 && g_get_monotonic_time () - last < READ_LATELY) ||
         cache_is_read (self->cache_dir, link);
}

static CacheLink
judge (CacheKeeper *self, CacheEntry *entry, GHashTable *open, gint64 now)
{
  CacheLink link = {
      .link = entry->link,
      .size = entry->size,
      .ended_at = entry->written_at,
      .is_open = is_open (entry, open, now),
  };

  link.is_archived = !link.is_open &&
                     g_get_monotonic_time () >= entry->stuck_until &&
                     is_archived (self, entry);
  link.is_read = link.is_archived && is_read (self, entry->link);
  return link;
}

/* In bytes; 0 if there is no cache yet. */
static guint64
find_budget (CacheKeeper *self, guint64 size)
{
  struct statvfs disk;
  guint64 whole, most;

  if (statvfs (self->cache_dir, &disk) != 0)
    return 0;
  whole = (guint64)disk.f_blocks * disk.f_frsize;
  if (!size_text_parse (self->max_size, whole, &most))
    g_return_val_if_reached (0);
  return cache_plan_budget (
      most, size, (guint64)disk.f_bavail * disk.f_frsize, whole);
}

/* --- what goes -------------------------------------------------------------------- */

/* The store before what says that it is archived: the other way round it would
 * be archived once more. */
static gboolean
clear_link (CacheKeeper *self, const CacheLink *link, CacheEntry *entry)
{
  g_autofree char *size = g_format_size (link->size);
  g_autoptr (GError) error = NULL;

  if (!cache_clear (self->cache_dir, link->link, &error)) {
    g_message (
        "%s: its cache cannot be cleared: %s", link->link, error->message);
    entry->stuck_until = g_get_monotonic_time () + STUCK;
    return FALSE;
  }
  if (self->broadcasts != NULL)
    broadcasts_forget_media (self->broadcasts, link->link);
  archiver_forget (self->state_dir, link->link);
  g_message (
      "%s: its cache is cleared, as it is archived (%s)", link->link, size);
  return TRUE;
}

static guint
clear_planned (CacheKeeper *self, CachePlan *plan, const CacheLink *links,
    GPtrArray *entries)
{
  guint n = 0;

  for (guint i = 0; i < plan->go->len && !is_stopping (self); i++) {
    const CacheLink *link = plan->go->pdata[i];
    CacheEntry *entry = entries->pdata[link - links];

    if (clear_link (self, link, entry)) {
      plan->size -= link->size;
      n++;
    }
  }
  return n;
}

/* Once each. */
static void
tell_operator (CacheKeeper *self, const CachePlan *plan, guint64 budget)
{
  gboolean was_tight = self->is_tight, was_full = self->is_full;
  g_autofree char *size = g_format_size (plan->size);
  g_autofree char *unarchived = g_format_size (plan->unarchived);
  g_autofree char *most = g_format_size (budget);

  self->is_full = plan->size > budget;
  self->is_tight = cache_plan_is_tight (was_tight, plan->unarchived, budget);
  if (self->is_full && !was_full)
    g_message ("The cache has %s of the %s that it may have, and the rest of "
               "it is not archived yet or on air",
        size, most);
  else if (self->is_tight && !was_tight)
    g_message ("The cache has %s that is not archived yet or on air, of the %s "
               "that it may have in all",
        unarchived, most);
}

static void
keep (CacheKeeper *self, GPtrArray *entries)
{
  g_autoptr (GHashTable) open = list_open (self);
  g_autofree CacheLink *links = g_new (CacheLink, entries->len + 1);
  gint64 now = g_get_real_time ();
  guint64 size = 0, budget;
  CachePlan plan;
  guint n;

  for (guint i = 0; i < entries->len; i++) {
    links[i] = judge (self, entries->pdata[i], open, now);
    size += links[i].size;
  }
  budget = find_budget (self, size);
  cache_plan_make (&plan, links, entries->len, now, self->dvr_window, budget);
  n = clear_planned (self, &plan, links, entries);
  tell_operator (self, &plan, budget);
  g_mutex_lock (&self->lock);
  self->figures.size = plan.size;
  self->figures.budget = budget;
  self->figures.unarchived = plan.unarchived;
  self->figures.n_cleared += n;
  g_mutex_unlock (&self->lock);
  cache_plan_clear (&plan);
}

/* --- the thread ---------------------------------------------------------------------- */

/* Whether there is any link: in a cache of which the disk is missing, there is
 * none. */
static gboolean
has_links (CacheKeeper *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->cache_dir, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (link_is_valid (name))
      return TRUE;
  return FALSE;
}

/* What a clearing has left that was killed behind the store. */
static void
forget_cleared (CacheKeeper *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->state_dir, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *link = NULL, *store = NULL;

    if (!g_str_has_suffix (name, STATE_SUFFIX))
      continue;
    link = g_strndup (name, strlen (name) - strlen (STATE_SUFFIX));
    store = g_build_filename (self->cache_dir, link, NULL);
    if (archiver_get_progress (self->state_dir, link) == ARCHIVE_DONE &&
        !g_file_test (store, G_FILE_TEST_EXISTS))
      archiver_forget (self->state_dir, link);
  }
}

static void
run_round (CacheKeeper *self, CacheScan *scan)
{
  g_autoptr (GError) error = NULL;
  /* Before the list of what is open: what begins meanwhile is not in here. */
  g_autoptr (GPtrArray) entries = cache_scan_look (scan, &error);

  if (entries == NULL && !self->is_unreadable)
    g_message ("The cache cannot be kept in its bounds: %s", error->message);
  self->is_unreadable = entries == NULL;
  if (entries != NULL)
    keep (self, entries);
}

static gpointer
run_thread (gpointer user_data)
{
  CacheKeeper *self = user_data;
  CacheScan *scan = cache_scan_new (self->cache_dir);
  gint64 due;

  if (has_links (self))
    forget_cleared (self);
  while (!is_stopping (self)) {
    due = g_get_monotonic_time () + INTERVAL;
    run_round (self, scan);
    g_mutex_lock (&self->lock);
    while (!self->is_stopping &&
           g_cond_wait_until (&self->stopping, &self->lock, due))
      ;
    g_mutex_unlock (&self->lock);
  }
  cache_scan_free (scan);
  return NULL;
}

CacheKeeper *
cache_keeper_new (const CacheKeeperSettings *settings)
{
  CacheKeeper *self = g_new0 (CacheKeeper, 1);

  self->cache_dir = g_strdup (settings->cache_dir);
  self->state_dir = g_strdup (settings->state_dir);
  self->max_size = g_strdup (settings->max_size);
  self->dvr_window = (gint64)(settings->dvr_window / NS_PER_US);
  self->broadcasts = settings->broadcasts;
  g_mutex_init (&self->lock);
  g_cond_init (&self->stopping);
  self->thread = g_thread_new ("cache-keeper", run_thread, self);
  return self;
}

void
cache_keeper_free (CacheKeeper *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->is_stopping = TRUE;
  g_cond_signal (&self->stopping);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->stopping);
  g_free (self->cache_dir);
  g_free (self->state_dir);
  g_free (self->max_size);
  g_free (self);
}

void
cache_keeper_get_figures (CacheKeeper *self, CacheKeeperFigures *figures)
{
  g_mutex_lock (&self->lock);
  *figures = self->figures;
  g_mutex_unlock (&self->lock);
}
