/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "suggest.h"

#include <string.h>

/* Words longer than this are not a slip of the finger. */
#define MAX_WORD 32

/* Levenshtein's distance, in bytes: our names are ASCII. */
static gsize
get_distance (const char *a, const char *b)
{
  gsize n = strlen (b);
  gsize row[MAX_WORD + 1];

  for (gsize j = 0; j <= n; j++)
    row[j] = j;
  for (gsize i = 0; a[i] != '\0'; i++) {
    gsize diagonal = row[0];

    row[0] = i + 1;
    for (gsize j = 0; j < n; j++) {
      gsize replaced = diagonal + (a[i] != b[j]);

      diagonal = row[j + 1];
      row[j + 1] = MIN (replaced, MIN (row[j], row[j + 1]) + 1);
    }
  }
  return row[n];
}

const char *
suggest (const char *word, const char *const *names)
{
  const char *nearest = NULL;
  gsize least = MIN (2, strlen (word) / 2) + 1;

  if (strlen (word) > MAX_WORD)
    return NULL;
  for (guint i = 0; names[i] != NULL; i++) {
    gsize distance = strlen (names[i]) > MAX_WORD
                         ? G_MAXSIZE
                         : get_distance (word, names[i]);

    if (distance < least) {
      least = distance;
      nearest = names[i];
    }
  }
  return nearest;
}
