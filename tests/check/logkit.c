/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logkit.h"

#include <string.h>

#define PATIENCE (30 * G_USEC_PER_SEC)

static GMutex lock;
static GCond changed;
static GString *logged; /* with the lock; lives as long as the process */

static GLogWriterOutput
write_message (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer data)
{
  g_autofree char *text =
      g_log_writer_format_fields (level, fields, n_fields, FALSE);

  g_mutex_lock (&lock);
  g_string_append (logged, text);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  return g_log_writer_default (level, fields, n_fields, data);
}

void
log_kit_begin (void)
{
  logged = g_string_new (NULL);
  g_log_set_writer_func (write_message, NULL, NULL);
}

void
log_kit_clear (void)
{
  g_mutex_lock (&lock);
  g_string_truncate (logged, 0);
  g_mutex_unlock (&lock);
}

gboolean
log_kit_has (const char *text)
{
  gboolean has;

  g_mutex_lock (&lock);
  has = strstr (logged->str, text) != NULL;
  g_mutex_unlock (&lock);
  return has;
}

/* With the lock. The failure shows what there was instead. */
static void
assert_has (const char *text)
{
  if (strstr (logged->str, text) == NULL)
    g_assert_cmpstr (logged->str, ==, text);
}

void
log_kit_assert (const char *text)
{
  g_mutex_lock (&lock);
  assert_has (text);
  g_mutex_unlock (&lock);
}

void
log_kit_await (const char *text)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&lock);
  while (strstr (logged->str, text) == NULL)
    if (!g_cond_wait_until (&changed, &lock, deadline))
      assert_has (text);
  g_mutex_unlock (&lock);
}
