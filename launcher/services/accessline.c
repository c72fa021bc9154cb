/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accessline.h"

#include <string.h>

#include "originroutes.h"

/* No path of the origin is longer: a link, a track and a part. */
#define MAX_PATH 256

/* What is left of a line. */
typedef struct {
  const char *text, *end;
} Rest;

/* Moves @rest behind @mark. FALSE: it is not in there. @word, which may be
 * NULL: what lay before it. */
static gboolean
read_until (Rest *rest, const char *mark, Rest *word)
{
  const char *found =
      memmem (rest->text, (gsize)(rest->end - rest->text), mark, strlen (mark));

  if (found == NULL)
    return FALSE;
  if (word != NULL)
    *word = (Rest){rest->text, found};
  rest->text = found + strlen (mark);
  return TRUE;
}

static gboolean
read_number (Rest *rest, guint64 most, guint64 *number)
{
  g_autofree char *digits = NULL;
  Rest word;

  if (!read_until (rest, " ", &word))
    return FALSE;
  digits = g_strndup (word.text, (gsize)(word.end - word.text));
  return g_ascii_string_to_unsigned (digits, 10, 0, most, number, NULL);
}

static gboolean
is_word (const Rest *word, const char *text)
{
  gsize length = strlen (text);

  return (gsize)(word->end - word->text) == length &&
         memcmp (word->text, text, length) == 0;
}

static void
read_path (AccessLine *line, const Rest *uri, gboolean is_success)
{
  char path[MAX_PATH];
  gsize length = (gsize)(uri->end - uri->text);
  const char *query = memchr (uri->text, '?', length);
  OriginRoute route;

  if (query != NULL)
    length = (gsize)(query - uri->text);
  if (length >= sizeof path)
    return;
  memcpy (path, uri->text, length);
  path[length] = '\0';
  if (!origin_route_parse (path, &route))
    return;
  g_strlcpy (line->link, route.link, sizeof line->link);
  /* Not who looks at a poster, as on a shelf, or learns what tracks there are.
   */
  line->is_watching = is_success && route.kind != ORIGIN_ROUTE_MASTER &&
                      route.kind != ORIGIN_ROUTE_POSTER;
}

gboolean
access_line_parse (AccessLine *line, const char *text, gsize length)
{
  Rest rest = {text, text + length};
  Rest method, uri;
  guint64 status;

  *line = (AccessLine){.bytes = 0};
  if (length == 0 || *text != '<' || !read_until (&rest, ": ", NULL) ||
      !read_number (&rest, 999, &status) ||
      !read_number (&rest, G_MAXINT64, &line->bytes) ||
      !read_until (&rest, " ", &method) || !read_until (&rest, " ", &uri) ||
      rest.text == rest.end)
    return FALSE;
  read_path (line, &uri,
      is_word (&method, "GET") &&
          (status == 200 || status == 206 || status == 304));
  line->who = rest.text;
  line->who_length = (gsize)(rest.end - rest.text);
  return TRUE;
}
