/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "description.h"

#include <string.h>

/* gst_parse_launch() says what is wrong with which element, but not where it
 * stands. So the place is looked for in the description, which has the lines of
 * the file. */

#define SPACES " \t\r\n"
#define PROPERTY G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-%:"

/* A walk over the words: elements, operators and assignments. */
typedef struct {
  const char *p;
  guint line; /* of the word */
  char *word; /* without what is assigned */
  char *value;
} Walk;

static void
walk_clear (Walk *walk)
{
  g_clear_pointer (&walk->word, g_free);
  g_clear_pointer (&walk->value, g_free);
}

static void
skip (Walk *walk, gsize length)
{
  for (; length > 0; length--)
    walk->line += *walk->p++ == '\n';
}

/* The length of one that may begin with a quote. */
static gsize
get_word_length (const char *p)
{
  const char *end = p;

  if (*p == '"' || *p == '\'')
    for (end++; *end != '\0' && *end != *p; end++)
      if (*end == '\\' && end[1] != '\0')
        end++;
  return end - p + strcspn (end, SPACES);
}

static gboolean
walk_next (Walk *walk)
{
  gsize length, gap;

  walk_clear (walk);
  skip (walk, strspn (walk->p, SPACES));
  if (*walk->p == '\0')
    return FALSE;
  length = strspn (walk->p, PROPERTY);
  gap = strspn (walk->p + length, SPACES);
  if (length > 0 && walk->p[length + gap] == '=') {
    walk->word = g_strndup (walk->p, length);
    walk->p += length;
    skip (walk, gap + 1);
    skip (walk, strspn (walk->p, SPACES));
    length = get_word_length (walk->p);
    walk->value = g_strndup (walk->p, length);
  } else {
    length = get_word_length (walk->p);
    walk->word = g_strndup (walk->p, length);
  }
  walk->p += length;
  return TRUE;
}

/* Whether @name is what an element of the factory @word is called if nobody
 * names it: with a number. */
static gboolean
is_named_after (const char *name, const char *word)
{
  gsize length = strlen (word);

  return strncmp (name, word, length) == 0 &&
         name[length + strspn (name + length, "0123456789")] == '\0';
}

static gboolean
is_operator (const char *word)
{
  return strlen (word) == 1 && strchr ("!:,;(){}", *word) != NULL;
}

/* The line in which @element, by factory or name, gets @property, or where it
 * stands; 0 if it cannot be found. */
static guint
find_element (const char *text, const char *element, const char *property)
{
  Walk walk = {.p = text, .line = 1};
  guint found = 0, set_in = 0, here = 0, line = 0;
  gboolean is_it = FALSE;

  while (line == 0 && walk_next (&walk)) {
    if (walk.value == NULL) {
      is_it = !is_operator (walk.word) && is_named_after (element, walk.word);
      here = walk.line;
      set_in = 0;
    } else if (g_strcmp0 (walk.word, property) == 0) {
      set_in = walk.line;
    } else if (strcmp (walk.word, "name") == 0) {
      is_it = is_it || strcmp (walk.value, element) == 0;
    }
    if (is_it && found == 0)
      found = here;
    if (is_it && (property == NULL || set_in != 0))
      line = property == NULL ? here : set_in;
  }
  walk_clear (&walk);
  return line != 0 ? line : found;
}

/* The first `name.` or `name.pad` of an element that is not there. (transfer
 * full) */
static char *
find_dangling (const char *text, guint *line)
{
  g_autoptr (GHashTable) names =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Walk walk = {.p = text, .line = 1};
  char *dangling = NULL;

  while (walk_next (&walk))
    if (walk.value != NULL && strcmp (walk.word, "name") == 0)
      g_hash_table_add (names, g_strdup (walk.value));
  walk = (Walk){.p = text, .line = 1};
  while (dangling == NULL && walk_next (&walk)) {
    gsize length = strspn (walk.word, PROPERTY);
    g_autofree char *name = g_strndup (walk.word, length);

    if (walk.value == NULL && walk.word[length] == '.' &&
        !g_hash_table_contains (names, name))
      dangling = g_steal_pointer (&name);
    *line = walk.line;
  }
  walk_clear (&walk);
  return dangling;
}

/* What makes the parser say "syntax error", with the line; NULL if it is
 * something else. */
static const char *
find_slip (const char *text, guint *line)
{
  Walk walk = {.p = text, .line = 1};
  const char *slip = NULL;
  gboolean open = TRUE; /* where an element must come */

  *line = 1;
  while (slip == NULL && walk_next (&walk)) {
    gboolean is_link = walk.value == NULL && strcmp (walk.word, "!") == 0;

    if (is_link && open)
      slip = "a ! stands where an element must";
    open = is_link;
    *line = walk.line;
  }
  if (slip == NULL && open)
    slip = "an element must follow";
  walk_clear (&walk);
  return slip;
}

/* The first words in quotes, as all messages of the parser name things. */
static guint
take_names (const char *message, char *names[2])
{
  g_auto (GStrv) parts = g_strsplit (message, "\"", 5);
  guint n_parts = g_strv_length (parts);
  guint n = 0;

  for (; n < 2 && 2 * n + 2 < n_parts; n++)
    names[n] = g_strdup (parts[2 * n + 1]);
  return n;
}

/* "could not link a to b ...": without quotes. */
static char *
take_linked (const char *message)
{
  g_auto (GStrv) words = g_strsplit (message, " ", 6);

  if (g_strv_length (words) < 5 || strcmp (words[2], "link") != 0)
    return NULL;
  return g_strdup (words[3]);
}

/* Where in the text @part is, for what is not a word. */
static guint
find_text (const char *text, const char *part)
{
  const char *found = strstr (text, part);
  guint line = found != NULL;

  for (const char *p = text; p < found; p++)
    line += *p == '\n';
  return line;
}

static guint
find_line (const char *text, const GError *problem)
{
  char *names[2] = {NULL, NULL};
  guint n = take_names (problem->message, names);
  g_autofree char *first = names[0];
  g_autofree char *second = names[1];
  g_autofree char *linked = problem->code == GST_PARSE_ERROR_LINK
                                ? take_linked (problem->message)
                                : NULL;
  guint line = 0;

  if (linked != NULL)
    line = find_element (text, linked, NULL);
  else if (n >= 2) /* a property, and the element */
    line = find_element (text, second, first);
  else if (n >= 1)
    line = find_element (text, first, NULL);
  if (line == 0 && n >= 1)
    line = find_text (text, first);
  return line != 0 ? line : 1;
}

/* What the message of the parser leaves open; sets @line. (transfer full) */
static char *
explain (const char *text, const GError *problem, guint *line)
{
  const char *message = problem->message;
  const char *slip = NULL;

  if (strstr (message, " named \"") || strstr (message, " reference \"")) {
    g_autofree char *dangling = find_dangling (text, line);

    if (dangling != NULL)
      return g_strdup_printf (": none is called %s", dangling);
  }
  if (problem->code == GST_PARSE_ERROR_SYNTAX ||
      problem->code == GST_PARSE_ERROR_EMPTY)
    slip = find_slip (text, line);
  if (slip != NULL)
    return g_strconcat (": ", slip, NULL);
  *line = find_line (text, problem);
  if (problem->code == GST_PARSE_ERROR_NO_SUCH_ELEMENT)
    return g_strdup (": its name is mistyped, or its plugin is not installed");
  return g_strdup ("");
}

static void
report (
    const char *name, const char *text, const GError *problem, GError **error)
{
  guint line = 1;
  g_autofree char *more = explain (text, problem, &line);
  /* Some syntax errors repeat all of it, and with it what may be secret. */
  gboolean repeats = strstr (problem->message, text) != NULL && *text != '\0';

  g_set_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_PIPELINE,
      "%s:%u: %s%s", name, line, repeats ? "syntax error" : problem->message,
      more);
}

/* gst_parse_launch_full(), which logs all that it is given in two categories.
 * A database's password may be in it, so these two are silent meanwhile. */
static GstElement *
parse_silently (const char *text, GError **error)
{
  static const char *const names[] = {"GST_PIPELINE", "default"};
  GstDebugCategory *categories[G_N_ELEMENTS (names)];
  GstDebugLevel levels[G_N_ELEMENTS (names)];
  GstElement *element;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GST_DEBUG_CATEGORY_GET (categories[i], names[i]);
    levels[i] = gst_debug_category_get_threshold (categories[i]);
    gst_debug_category_set_threshold (
        categories[i], MIN (levels[i], GST_LEVEL_WARNING));
  }
  element =
      gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    gst_debug_category_set_threshold (categories[i], levels[i]);
  return element;
}

GstElement *
description_parse (const char *name, const char *expanded, GError **error)
{
  g_autoptr (GError) problem = NULL;
  GstElement *element = parse_silently (expanded, &problem);
  GstElement *pipeline;
  if (problem != NULL) {
    report (name, expanded, problem, error);
    g_clear_object (&element);
    return NULL;
  }
  if (GST_IS_PIPELINE (element))
    return element;
  pipeline = gst_pipeline_new (NULL);
  gst_bin_add (GST_BIN (pipeline), element);
  return pipeline;
}

GstElement *
description_launch (const char *path, GHashTable *variables, GError **error)
{
  g_autofree char *text = description_read (path, variables, error);

  return text != NULL ? description_parse (path, text, error) : NULL;
}
