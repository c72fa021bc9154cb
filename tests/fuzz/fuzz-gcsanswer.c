/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gcsanswer.h"

#include <string.h>

#include "gcserror.h"
#include "gcskey.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static const char *const wanted[] = {"a.get", "a.list", NULL};

static void
judge (gboolean is_good, GError **error, int code)
{
  if (is_good)
    g_assert_no_error (*error);
  else
    g_assert_error (*error, GCS_ERROR, code);
  g_clear_error (error);
}

static void
read_list (const char *text, gsize size)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *next = NULL, *missing = NULL;
  GError *error = NULL;
  gboolean is_good =
      gcs_answer_read_names (text, size, "a/", names, &next, &error);

  judge (is_good, &error, GCS_ERROR_REFUSED);
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);

    g_assert_true (g_str_has_prefix (name, "a/"));
    g_assert_true (g_utf8_validate (name, -1, NULL));
  }
  g_assert_true (next == NULL || *next != '\0');
  is_good = gcs_answer_read_permissions (text, size, wanted, &missing, &error);
  judge (is_good, &error, GCS_ERROR_REFUSED);
  g_assert_true (missing == NULL || *missing != '\0');
}

static void
read_secrets (const char *text, gsize size)
{
  g_autofree char *token = NULL, *email = NULL;
  g_autoptr (GBytes) signature = NULL;
  g_autoptr (GcsKey) key = NULL;
  GError *error = NULL;
  guint seconds;

  if (gcs_answer_read_token (text, size, &token, &seconds, &error)) {
    g_assert_cmpuint (seconds, >, 0);
    g_assert_null (strpbrk (token, " \r\n"));
  }
  judge (token != NULL, &error, GCS_ERROR_REFUSED);
  if (gcs_answer_read_email (text, size, &email, &error))
    g_assert_null (strpbrk (email, " \r\n"));
  judge (email != NULL, &error, GCS_ERROR_REFUSED);
  signature = gcs_answer_read_signature (text, size, &error);
  judge (signature != NULL, &error, GCS_ERROR_REFUSED);
  key = gcs_key_parse (text, size, &error);
  judge (key != NULL, &error, GCS_ERROR_SETTINGS);
}

/* The answers of Google's services, and the file of a key. Whatever it is, what
 * comes of it can be used, or the error be told. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* Of just that size, so that reading on is noticed. */
  g_autofree char *text = g_memdup2 (data, size);
  g_autofree char *complaint = NULL;
  GError *error = NULL;
  GcsObject object;
  gboolean is_good;

  if (size == 0)
    return 0;
  is_good = gcs_answer_read_object (text, size, &object, &error);
  judge (is_good, &error, GCS_ERROR_REFUSED);
  g_assert_cmpint (object.generation, >=, 0);
  read_list (text, size);
  read_secrets (text, size);
  complaint = gcs_answer_read_complaint (text, size);
  if (complaint != NULL) {
    g_assert_true (g_utf8_validate (complaint, -1, NULL));
    g_assert_null (strpbrk (complaint, "\r\n\t\033"));
    g_assert_cmpuint (strlen (complaint), <, 500);
  }
  return 0;
}
