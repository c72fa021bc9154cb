/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metricsreader.h"

#include <string.h>

static gsize
span_name (const char *text)
{
  gsize n = 0;

  while (g_ascii_isalpha (text[n]) || text[n] == '_' ||
         (n > 0 && g_ascii_isdigit (text[n])))
    n++;
  return n;
}

/* `{name="value",...}`, with \\, \" and \n the only escapes. */
static const char *
skip_labels (const char *p)
{
  if (*p != '{')
    return p;
  do {
    gsize n = span_name (++p);

    g_assert_cmpuint (n, >, 0);
    p += n;
    g_assert_true (g_str_has_prefix (p, "=\""));
    for (p += 2; *p != '"'; p++) {
      g_assert_cmpint (*p, !=, '\0');
      if (*p == '\\') {
        p++;
        g_assert_true (*p == '\\' || *p == '"' || *p == 'n');
      }
    }
    p++;
  } while (*p == ',');
  g_assert_cmpint (*p, ==, '}');
  return p + 1;
}

static void
read_sample (GHashTable *metrics, const char *line, const char *family)
{
  const char *end;
  char *rest;
  double value;
  char *key;
  gsize n = span_name (line);

  g_assert_cmpuint (n, ==, strlen (family));
  g_assert_cmpint (strncmp (line, family, n), ==, 0);
  end = skip_labels (line + n);
  g_assert_cmpint (*end, ==, ' ');
  value = g_ascii_strtod (end + 1, &rest);
  g_assert_true (rest > end + 1 && *rest == '\0');
  key = g_strndup (line, end - line);
  g_assert_false (g_hash_table_contains (metrics, key));
  g_hash_table_insert (metrics, key, g_memdup2 (&value, sizeof value));
}

/* HELP and TYPE, in two lines. Counters, and no others, end with "_total".
 * (transfer full) */
static char *
read_family (char **lines)
{
  const char *name = lines[0] + strlen ("# HELP ");
  char *family = g_strndup (name, span_name (name));
  const char *kind = g_str_has_suffix (family, "_total") ? "counter" : "gauge";
  g_autofree char *type = g_strdup_printf ("# TYPE %s %s", family, kind);

  g_assert_true (g_str_has_prefix (family, "wishcast_") ||
                 g_str_has_prefix (family, "process_"));
  g_assert_cmpint (name[strlen (family)], ==, ' ');
  g_assert_cmpstr (lines[1], ==, type);
  return family;
}

GHashTable *
metrics_read (const char *text)
{
  GHashTable *metrics =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) families =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const char *family = NULL;
  guint i;

  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (i = 0; lines[i + 1] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "# HELP ")) {
      char *name = read_family (&lines[i++]);

      g_assert_true (g_hash_table_add (families, name));
      family = name;
    } else {
      g_assert_nonnull (family);
      read_sample (metrics, lines[i], family);
    }
  }
  /* The last line ends as well. */
  g_assert_cmpstr (lines[i], ==, "");
  return metrics;
}

double
metrics_get (GHashTable *metrics, const char *sample)
{
  double *value = g_hash_table_lookup (metrics, sample);

  if (value == NULL)
    g_error ("There is no sample %s", sample);
  return *value;
}
