/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logkit.h"

#include <string.h>

#define PATIENCE (30 * G_USEC_PER_SEC)

static GMutex lock;
static GCond changed;
static GPtrArray *messages; /* with the lock; lives as long as the process */

static GLogWriterOutput
write_message (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer data)
{
  g_mutex_lock (&lock);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_ptr_array_add (messages, g_strdup (fields[i].value));
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  return g_log_writer_default (level, fields, n_fields, data);
}

void
log_kit_begin (void)
{
  messages = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (write_message, NULL, NULL);
}

void
log_kit_clear (void)
{
  g_mutex_lock (&lock);
  g_ptr_array_set_size (messages, 0);
  g_mutex_unlock (&lock);
}

static gboolean
has_locked (const char *text)
{
  for (guint i = 0; i < messages->len; i++)
    if (strstr (messages->pdata[i], text) != NULL)
      return TRUE;
  return FALSE;
}

/* The failure shows what there was instead. */
static void
assert_locked (const char *text)
{
  g_autoptr (GString) all = g_string_new (NULL);

  if (has_locked (text))
    return;
  for (guint i = 0; i < messages->len; i++)
    g_string_append_printf (all, "%s\n", (char *)messages->pdata[i]);
  g_assert_cmpstr (all->str, ==, text);
}

void
log_kit_assert (const char *text)
{
  g_mutex_lock (&lock);
  assert_locked (text);
  g_mutex_unlock (&lock);
}

void
log_kit_await (const char *text)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&lock);
  while (!has_locked (text))
    if (!g_cond_wait_until (&changed, &lock, deadline))
      assert_locked (text);
  g_mutex_unlock (&lock);
}

guint
log_kit_count (const char *pattern)
{
  guint n = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; i < messages->len; i++)
    n += g_pattern_match_simple (pattern, messages->pdata[i]);
  g_mutex_unlock (&lock);
  return n;
}
