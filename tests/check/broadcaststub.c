/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "broadcaststub.h"

#include <string.h>

struct _Broadcasts {
  GMutex lock;
  GPtrArray *list; /* of BroadcastStatus */
  void (*ended) (const char *link, const char *reason, gpointer data);
  gpointer data;
};

void
broadcast_status_free (BroadcastStatus *status)
{
  g_free (status->link);
  g_free (status->game);
  g_free (status->title);
  g_free (status->protocol);
  g_free (status->health);
  g_clear_pointer (&status->packager, gst_structure_free);
  g_clear_pointer (&status->cache, gst_structure_free);
  g_clear_pointer (&status->origin, gst_structure_free);
  g_free (status);
}

static BroadcastStatus *
status_new (const char *link, const char *game, const char *health)
{
  BroadcastStatus *status = g_new0 (BroadcastStatus, 1);

  status->link = g_strdup (link);
  status->game = g_strdup (game);
  status->title = g_strdup ("");
  status->state = BROADCAST_LIVE;
  status->protocol = g_strdup ("rtmp");
  status->bytes = 123456;
  status->health = g_strdup (health);
  status->origin = gst_structure_new ("stats", "parts", G_TYPE_UINT64,
      G_GUINT64_CONSTANT (17), "parts-not-stored", G_TYPE_UINT64,
      G_GUINT64_CONSTANT (1), "waiting", G_TYPE_UINT, 3, "part-latency-median",
      G_TYPE_UINT64, 250 * GST_MSECOND, "part-latency-p99", G_TYPE_UINT64,
      500 * GST_MSECOND, NULL);
  status->cache = gst_structure_new ("stats", "dropped-chunks", G_TYPE_UINT64,
      G_GUINT64_CONSTANT (2), "incomplete", G_TYPE_BOOLEAN, TRUE, NULL);
  return status;
}

Broadcasts *
broadcasts_stub_new (void)
{
  Broadcasts *broadcasts = g_new0 (Broadcasts, 1);

  g_mutex_init (&broadcasts->lock);
  broadcasts->list =
      g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_status_free);
  return broadcasts;
}

void
broadcasts_stub_free (Broadcasts *broadcasts)
{
  g_ptr_array_unref (broadcasts->list);
  g_mutex_clear (&broadcasts->lock);
  g_free (broadcasts);
}

void
broadcasts_stub_add (Broadcasts *broadcasts, const char *link, const char *game,
    const char *health)
{
  g_mutex_lock (&broadcasts->lock);
  g_ptr_array_add (broadcasts->list, status_new (link, game, health));
  g_mutex_unlock (&broadcasts->lock);
}

void
broadcasts_stub_on_end (Broadcasts *broadcasts,
    void (*ended) (const char *link, const char *reason, gpointer data),
    gpointer data)
{
  broadcasts->ended = ended;
  broadcasts->data = data;
}

GPtrArray *
broadcasts_list (Broadcasts *broadcasts)
{
  GPtrArray *copy =
      g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_status_free);

  g_mutex_lock (&broadcasts->lock);
  for (guint i = 0; i < broadcasts->list->len; i++) {
    const BroadcastStatus *status = g_ptr_array_index (broadcasts->list, i);

    g_ptr_array_add (
        copy, status_new (status->link, status->game, status->health));
  }
  g_mutex_unlock (&broadcasts->lock);
  return copy;
}

gboolean
broadcasts_end (Broadcasts *broadcasts, const char *link, const char *reason)
{
  gboolean found = FALSE;

  g_mutex_lock (&broadcasts->lock);
  for (guint i = 0; i < broadcasts->list->len && !found; i++) {
    const BroadcastStatus *status = g_ptr_array_index (broadcasts->list, i);

    found = strcmp (status->link, link) == 0;
    if (found)
      g_ptr_array_remove_index (broadcasts->list, i);
  }
  g_mutex_unlock (&broadcasts->lock);
  if (found && broadcasts->ended != NULL)
    broadcasts->ended (link, reason, broadcasts->data);
  return found;
}

gint64
broadcasts_get_last_read (Broadcasts *broadcasts, const char *link)
{
  return 0;
}

void
broadcasts_forget_media (Broadcasts *broadcasts, const char *link)
{
}
