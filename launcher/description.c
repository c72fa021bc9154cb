/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "description.h"

#include <string.h>

#include "suggest.h"

/* What gst_parse_launch() takes for one word wherever it stands. */
#define PLAIN G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-.:/+"
#define NAME G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-"
#define PROPERTY G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-%:"
#define SPACES " \t\r\n"

typedef struct {
  const char *file;
  const char *p; /* what is still to be expanded */
  guint line;    /* of p */
  GHashTable *variables;
  GString *out;
  GError **error;
} Expander;

/* One value of a property, or one word elsewhere, while it is read. */
typedef struct {
  GString *text;  /* with the variables put in as they are */
  GString *value; /* what `text` should mean: without escapes */
  gboolean has_variable;
  gboolean is_plain;    /* so are all variables in it */
  gboolean is_quotable; /* all of them can stand between quotes as they are */
  gboolean is_null;     /* meant to be */
  gboolean has_quotes;  /* not around it but in it */
  char name[64];        /* of a variable that is not plain */
} Word;

GQuark
description_error_quark (void)
{
  return g_quark_from_static_string ("wishcast-description-error");
}

static gboolean fail (Expander *expander, guint line, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
fail (Expander *expander, guint line, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (expander->error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_VARIABLE,
      "%s:%u: %s", expander->file, line, problem);
  return FALSE;
}

/* Values */

static gboolean
is_plain (const char *value)
{
  /* NULL is how GStreamer writes a string that is not there. */
  return *value != '\0' && value[strspn (value, PLAIN)] == '\0' &&
         strcmp (value, "NULL") != 0;
}

/* Whether @value means itself between double quotes. Not a backslash: before
 * the closing quote, even escaped, it makes the parser go on to the next quote
 * of the description. */
static gboolean
is_quotable (const char *value)
{
  for (const char *p = value; *p != '\0'; p++)
    if (*p == '"' || *p == '\\' || g_ascii_iscntrl (*p))
      return FALSE;
  return strcmp (value, "NULL") != 0;
}

/* As gst_value_serialize() writes a string, escaped once more for the parser:
 * no character is left that either of them takes for more than a letter. */
static void
append_wrapped (GString *out, const char *value)
{
  g_string_append (out, "\\\"");
  for (const char *p = value; *p != '\0'; p++) {
    if (g_ascii_isalnum (*p))
      g_string_append_c (out, *p);
    else
      g_string_append_printf (out, "\\\\%03o", (guint8)*p);
  }
  g_string_append (out, "\\\"");
}

static void
append_quoted (GString *out, const char *value)
{
  if (is_plain (value))
    g_string_append (out, value);
  else if (is_quotable (value))
    g_string_append_printf (out, "\"%s\"", value);
  else
    append_wrapped (out, value);
}

char *
description_quote (const char *value)
{
  GString *out = g_string_new (NULL);

  append_quoted (out, value);
  return g_string_free (out, FALSE);
}

/* Variables */

static gboolean
refuse_variable (Expander *expander, const char *name)
{
  g_autofree char **names =
      (char **)g_hash_table_get_keys_as_array (expander->variables, NULL);
  const char *meant = suggest (name, (const char *const *)names);

  if (meant != NULL)
    return fail (expander, expander->line, "${%s} is not set. Is ${%s} meant?",
        name, meant);
  return fail (expander, expander->line, "${%s} is not set", name);
}

/* At "${": takes it with its end, and gives the value, or the default, which
 * sets @is_default. (transfer full) */
static char *
take_variable (Expander *expander, char **name, gboolean *is_default)
{
  const char *start = expander->p + 2;
  gsize length = strspn (start, NAME);
  const char *end = strchr (start, '}');
  const char *value;

  if (end == NULL || length == 0 || length >= sizeof ((Word *)NULL)->name ||
      (start[length] != '}' && !g_str_has_prefix (start + length, ":-")) ||
      memchr (start, '\n', end - start) != NULL) {
    fail (expander, expander->line,
        "expected ${name} or ${name:-default} on one line, with a name of "
        "a-z A-Z 0-9 - _");
    return NULL;
  }
  *name = g_strndup (start, length);
  value = g_hash_table_lookup (expander->variables, *name);
  expander->p = end + 1;
  if (value != NULL && !g_utf8_validate (value, -1, NULL)) {
    fail (expander, expander->line, "The value of ${%s} is not UTF-8", *name);
    return NULL;
  }
  *is_default = start[length] == ':' && (value == NULL || *value == '\0');
  if (*is_default)
    return g_strndup (start + length + 2, end - start - length - 2);
  if (value == NULL)
    refuse_variable (expander, *name);
  return g_strdup (value);
}

static gboolean
put_variable (Expander *expander, Word *word)
{
  gboolean is_default;
  g_autofree char *name = NULL;
  g_autofree char *value = take_variable (expander, &name, &is_default);

  if (value == NULL)
    return FALSE;
  word->has_variable = TRUE;
  if (is_default && strcmp (value, "NULL") == 0) {
    word->is_null = TRUE;
  } else if (!is_plain (value)) {
    word->is_plain = FALSE;
    g_strlcpy (word->name, name, sizeof word->name);
  }
  if (!word->is_null && !is_quotable (value))
    word->is_quotable = FALSE;
  g_string_append (word->text, value);
  g_string_append (word->value, value);
  return TRUE;
}

/* Words */

static gboolean
is_variable (const char *p)
{
  return p[0] == '$' && p[1] == '{';
}

static gboolean
is_end (char c)
{
  return c == '\0' || strchr (SPACES, c) != NULL;
}

static void
word_init (Word *word)
{
  *word = (Word){.is_plain = TRUE, .is_quotable = TRUE};
  word->text = g_string_new (NULL);
  word->value = g_string_new (NULL);
}

static void
word_clear (Word *word)
{
  g_string_free (word->text, TRUE);
  g_string_free (word->value, TRUE);
}

/* Takes one character, or what a backslash makes one. */
static void
take_character (Expander *expander, Word *word)
{
  const char *p = expander->p;
  gsize length = p[0] == '\\' && p[1] != '\0' ? 2 : 1;

  g_string_append_len (word->text, p, length);
  g_string_append_c (word->value, p[length - 1]);
  for (gsize i = 0; i < length; i++)
    expander->line += p[i] == '\n';
  expander->p += length;
}

/* Up to @quote, which is taken but not put into the word. */
static gboolean
take_quoted (Expander *expander, Word *word, char quote)
{
  guint line = expander->line;

  while (*expander->p != quote) {
    if (*expander->p == '\0')
      return fail (expander, line, "The quote %c is never closed", quote);
    if (!is_variable (expander->p))
      take_character (expander, word);
    else if (!put_variable (expander, word))
      return FALSE;
  }
  expander->p++;
  return TRUE;
}

/* Up to the next space outside of quotes. */
static gboolean
take_unquoted (Expander *expander, Word *word)
{
  while (!is_end (*expander->p)) {
    if (*expander->p == '"') {
      word->has_quotes = TRUE;
      expander->p++;
      g_string_append_c (word->text, '"');
      if (!take_quoted (expander, word, '"'))
        return FALSE;
      g_string_append_c (word->text, '"');
    } else if (!is_variable (expander->p)) {
      take_character (expander, word);
    } else if (!put_variable (expander, word)) {
      return FALSE;
    }
  }
  return TRUE;
}

/* What stands behind `property=`. */
static gboolean
expand_value (Expander *expander)
{
  const char *start = expander->p;
  char quote = *start == '"' || *start == '\'' ? *start : '\0';
  guint line = expander->line;
  Word word;
  gboolean done;

  word_init (&word);
  if (quote != '\0') {
    expander->p++;
    done = take_quoted (expander, &word, quote);
  } else {
    done = take_unquoted (expander, &word);
  }
  if (done && word.has_variable &&
      (word.has_quotes || (quote != '\0' && !is_end (*expander->p))))
    done = fail (expander, line,
        "A value with a variable in it must be quoted as a whole, with a "
        "space behind it");
  /* Two variables that are NULL together. */
  if (!word.is_null && strcmp (word.value->str, "NULL") == 0)
    word.is_plain = word.is_quotable = FALSE;
  /* The parser does not take single quotes away. */
  if (done && !word.has_variable && quote != '\'')
    g_string_append_len (expander->out, start, expander->p - start);
  else if (done && quote == '\0' && word.is_plain)
    g_string_append (expander->out, word.text->str);
  else if (done && quote == '"' && word.is_quotable)
    g_string_append_printf (expander->out, "\"%s\"", word.text->str);
  else if (done)
    append_quoted (expander->out, word.value->str);
  word_clear (&word);
  return done;
}

/* A word that is no property: an element, an operator, caps. */
static gboolean
expand_word (Expander *expander)
{
  const char *start = expander->p;
  guint line = expander->line;
  Word word;
  gboolean done;

  word_init (&word);
  done = take_unquoted (expander, &word);
  if (done && !word.has_variable)
    g_string_append_len (expander->out, start, expander->p - start);
  else if (done && word.is_plain)
    g_string_append (expander->out, word.text->str);
  else if (done)
    done = fail (expander, line,
        "The value of ${%s} can stand here only if it has no other characters "
        "than A-Z a-z 0-9 _ - . : / +; any text can be behind a property=",
        word.name);
  word_clear (&word);
  return done;
}

/* `${source}` or `${sink}` alone, or with a default. */
static gboolean
is_piece (const char *p)
{
  static const char *const begins[] = {
      "${source}", "${source:-", "${sink}", "${sink:-"};
  const char *end = strchr (p, '}');

  for (guint i = 0; i < G_N_ELEMENTS (begins); i++)
    if (g_str_has_prefix (p, begins[i]))
      return end != NULL && is_end (end[1]);
  return FALSE;
}

static gboolean
expand_piece (Expander *expander)
{
  gboolean is_default;
  g_autofree char *name = NULL;
  g_autofree char *value = take_variable (expander, &name, &is_default);

  if (value == NULL)
    return FALSE;
  /* So that the lines behind it keep their numbers. */
  g_string_append (expander->out, g_strdelimit (value, "\n", ' '));
  return TRUE;
}

/* Not behind a closing quote. */
static gboolean
is_comment (Expander *expander)
{
  const GString *out = expander->out;

  return *expander->p == '#' &&
         (out->len == 0 || is_end (out->str[out->len - 1]));
}

/* Copies the spaces, so that every line keeps its number. */
static void
take_spaces (Expander *expander)
{
  for (; *expander->p != '\0' && is_end (*expander->p); expander->p++) {
    expander->line += *expander->p == '\n';
    g_string_append_c (expander->out, *expander->p);
  }
}

/* At `property =`, with spaces or without: takes it up to the value. */
static gboolean
take_assignment (Expander *expander)
{
  const char *name = expander->p;
  gsize length = strspn (name, PROPERTY);
  const char *equals = name + length + strspn (name + length, SPACES);

  if (length == 0 || *equals != '=')
    return FALSE;
  g_string_append_len (expander->out, name, length);
  expander->p += length;
  take_spaces (expander);
  g_string_append_c (expander->out, *expander->p++);
  take_spaces (expander);
  return TRUE;
}

char *
description_expand (
    const char *name, const char *text, GHashTable *variables, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  Expander expander = {.file = name,
      .p = text,
      .line = 1,
      .variables = variables,
      .out = out,
      .error = error};

  for (;;) {
    take_spaces (&expander);
    if (*expander.p == '\0')
      break;
    if (is_comment (&expander))
      expander.p += strcspn (expander.p, "\n");
    else if (is_piece (expander.p)         ? !expand_piece (&expander)
             : take_assignment (&expander) ? !expand_value (&expander)
                                           : !expand_word (&expander))
      return NULL;
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

gboolean
description_uses (const char *text, const char *variable)
{
  g_autofree char *plain = g_strdup_printf ("${%s}", variable);
  g_autofree char *with_default = g_strdup_printf ("${%s:-", variable);

  return strstr (text, plain) != NULL || strstr (text, with_default) != NULL;
}

char *
description_read (const char *path, GHashTable *variables, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) problem = NULL;
  const char *end;
  gsize length;
  guint line = 1;

  if (!g_file_get_contents (path, &text, &length, &problem)) {
    g_set_error_literal (
        error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_FILE, problem->message);
    return NULL;
  }
  if (!g_utf8_validate (text, length, &end)) {
    for (const char *p = text; p < end; p++)
      line += *p == '\n';
    g_set_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_FILE,
        "%s:%u: expected text in UTF-8", path, line);
    return NULL;
  }
  return description_expand (path, text, variables, error);
}
