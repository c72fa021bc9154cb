/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "logkit.h"

#include <string.h>

static GMutex lock;
static GPtrArray *messages; /* with lock */

static GLogWriterOutput
take (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer unused)
{
  for (gsize i = 0; i < n && (level & G_LOG_LEVEL_MESSAGE); i++) {
    if (strcmp (fields[i].key, "MESSAGE") != 0)
      continue;
    g_mutex_lock (&lock);
    g_ptr_array_add (messages, g_strdup (fields[i].value));
    g_mutex_unlock (&lock);
  }
  return g_log_writer_default (level, fields, n, NULL);
}

void
log_kit_start (void)
{
  messages = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (take, NULL, NULL);
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

void
log_kit_clear (void)
{
  g_mutex_lock (&lock);
  g_ptr_array_set_size (messages, 0);
  g_mutex_unlock (&lock);
}
