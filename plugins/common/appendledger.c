/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "appendledger.h"

#include <string.h>

typedef struct {
  gatomicrefcount refs; /* the list's, and that of each call under way */
  guint id;
  char *link;
  AppendFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} Listener;

static GMutex lock;
static GHashTable *holders;  /* with lock: link -> holds, as a number */
static GPtrArray *listeners; /* with lock: of Listener */
static guint last_id;        /* with lock */

static void
listener_unref (gpointer data)
{
  Listener *listener = data;

  if (!g_atomic_ref_count_dec (&listener->refs))
    return;
  if (listener->destroy != NULL)
    listener->destroy (listener->user_data);
  g_free (listener->link);
  g_free (listener);
}

static void
ensure_tables_locked (void)
{
  if (holders != NULL)
    return;
  holders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  listeners = g_ptr_array_new ();
}

/* Takes the lock. */
static void
tell (const char *link, const ChunkInfo *info)
{
  g_autoptr (GPtrArray) called =
      g_ptr_array_new_with_free_func (listener_unref);

  g_mutex_lock (&lock);
  ensure_tables_locked ();
  for (guint i = 0; i < listeners->len; i++) {
    Listener *listener = g_ptr_array_index (listeners, i);

    if (strcmp (listener->link, link) == 0) {
      g_atomic_ref_count_inc (&listener->refs);
      g_ptr_array_add (called, listener);
    }
  }
  g_mutex_unlock (&lock);

  for (guint i = 0; i < called->len; i++) {
    Listener *listener = g_ptr_array_index (called, i);

    listener->func (info, listener->user_data);
  }
}

/**
 * append_ledger_hold:
 * @link: what the caller is going to store the chunks of
 */
void
append_ledger_hold (const char *link)
{
  guint n;

  g_mutex_lock (&lock);
  ensure_tables_locked ();
  n = GPOINTER_TO_UINT (g_hash_table_lookup (holders, link));
  g_hash_table_replace (holders, g_strdup (link), GUINT_TO_POINTER (n + 1));
  g_mutex_unlock (&lock);
}

/**
 * append_ledger_release:
 * @link: which the caller has held
 *
 * The last one tells the listeners of @link, with %NULL, that nothing more will
 * come.
 */
void
append_ledger_release (const char *link)
{
  guint n;

  g_mutex_lock (&lock);
  ensure_tables_locked ();
  n = GPOINTER_TO_UINT (g_hash_table_lookup (holders, link));
  if (n > 1)
    g_hash_table_replace (holders, g_strdup (link), GUINT_TO_POINTER (n - 1));
  else
    g_hash_table_remove (holders, link);
  g_mutex_unlock (&lock);

  g_return_if_fail (n > 0);
  if (n == 1)
    tell (link, NULL);
}

/**
 * append_ledger_appended:
 * @info: a chunk that can be read back from the store of @link; `track` as the
 *     caps of the stream number it
 */
void
append_ledger_appended (const char *link, const ChunkInfo *info)
{
  tell (link, info);
}

/**
 * append_ledger_subscribe:
 * @func: called without a lock, on the thread that appended; must not block
 * @destroy: (nullable): called when @func has returned for the last time
 *
 * Returns: an id, never 0
 */
guint
append_ledger_subscribe (const char *link, AppendFunc func, gpointer user_data,
    GDestroyNotify destroy)
{
  Listener *listener = g_new0 (Listener, 1);
  guint id;

  g_atomic_ref_count_init (&listener->refs);
  listener->link = g_strdup (link);
  listener->func = func;
  listener->user_data = user_data;
  listener->destroy = destroy;

  g_mutex_lock (&lock);
  ensure_tables_locked ();
  if (++last_id == 0)
    last_id = 1;
  id = listener->id = last_id;
  g_ptr_array_add (listeners, listener);
  g_mutex_unlock (&lock);
  return id;
}

/**
 * append_ledger_unsubscribe:
 * @id: what append_ledger_subscribe() gave; others are ignored
 *
 * A call under way on another thread still ends, before `destroy` is called.
 */
void
append_ledger_unsubscribe (guint id)
{
  Listener *found = NULL;

  g_mutex_lock (&lock);
  ensure_tables_locked ();
  for (guint i = 0; found == NULL && i < listeners->len; i++) {
    Listener *listener = g_ptr_array_index (listeners, i);

    if (listener->id == id) {
      found = listener;
      g_ptr_array_remove_index_fast (listeners, i);
    }
  }
  g_mutex_unlock (&lock);
  if (found != NULL)
    listener_unref (found);
}

/**
 * append_ledger_is_held:
 *
 * Returns: whether a store of this process takes the chunks of @link
 */
gboolean
append_ledger_is_held (const char *link)
{
  gboolean held;

  g_mutex_lock (&lock);
  held = holders != NULL && g_hash_table_contains (holders, link);
  g_mutex_unlock (&lock);
  return held;
}
