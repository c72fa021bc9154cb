/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Either all of it is understood, or the error says where. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Settings) settings =
      settings_parse ("f", (const char *)data, size, &error);

  if (settings == NULL) {
    g_assert_true (
        g_error_matches (error, SETTINGS_ERROR, SETTINGS_ERROR_VALUE));
    g_assert_true (g_str_has_prefix (error->message, "f:"));
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    return 0;
  }
  g_assert_no_error (error);
  for (guint i = 0; i < N_SETTINGS; i++)
    g_free (settings_get_place (settings, i));
  g_free (settings_get_pipeline (settings, "half-life"));
  return 0;
}
