/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "uploadanswer.h"
#include "uploadstate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_state (const char *text, gsize length)
{
  g_auto (UploadState) read = {0}, again = {0};
  g_autofree char *written = NULL, *rewritten = NULL;

  if (!upload_state_parse (text, length, &read, NULL))
    return;
  written = upload_state_render (&read);
  if (!upload_state_parse (written, strlen (written), &again, NULL))
    abort ();
  rewritten = upload_state_render (&again);
  if (strcmp (written, rewritten) != 0)
    abort ();
}

/* What the service says in headers. */
static void
check_headers (const char *text)
{
  g_autofree char *range = NULL;
  guint64 persisted;

  if (upload_answer_parse_range (text, &persisted)) {
    range = g_strdup_printf (
        "bytes=0-%0*" G_GUINT64_FORMAT, (int)strlen (text) - 8, persisted - 1);
    if (strcmp (range, text) != 0)
      abort ();
  }
  if (upload_answer_parse_retry_after (text) > 60 * 60 * G_TIME_SPAN_SECOND)
    abort ();
}

/* What an upload is gone on with: the file of an earlier process, and the
 * service's word. Whatever is accepted is written and read again as the same. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);

  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  check_state ((const char *)data, size);
  check_headers (text);
  return 0;
}
