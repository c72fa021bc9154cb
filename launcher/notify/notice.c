/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notice.h"

#include <string.h>

#include "jsontext.h"
#include "uuid5.h"

#define EVENT_TYPE "com.wishcast.broadcast.started.v1"
/* Stands for the user's name in a text, of which it cannot be a part. */
#define NAME_MARK "\xff"
/* Longer ones no language has (RFC 5646, section 4.4.1). */
#define MAX_LANGUAGE 35

struct _NoticeTexts {
  char *standard;
  GHashTable *others; /* language in lower case -> template */
};

/* --- Templates -----------------------------------------------------------------*/

typedef enum { GAME, ID, USERNAME, LINK, N_NAMES } Name;

static const char *const names[N_NAMES] = {
    [GAME] = "game", [ID] = "id", [USERNAME] = "username", [LINK] = "link"};

/* What stands between the braces at @text, behind the first. @end: behind the
 * last. N_NAMES: no such name. */
static Name
read_name (const char *text, const char **end)
{
  gsize length = strcspn (text, "{}");
  guint i;

  *end = text[length] == '}' ? text + length + 1 : NULL;
  for (i = 0; i < N_NAMES; i++)
    if (strlen (names[i]) == length && strncmp (names[i], text, length) == 0)
      break;
  return i;
}

/* @values NULL: only checks. The values are taken as they are: what looks like a
 * name in them is none. */
static gboolean
expand (const char *text, const char *const *values, GString *result,
    GError **error)
{
  while (*text != '\0') {
    gsize plain = strcspn (text, "{");
    const char *end;
    Name name;

    if (result != NULL)
      g_string_append_len (result, text, (gssize)plain);
    text += plain;
    if (*text == '\0')
      break;
    if (text[1] == '{') {
      if (result != NULL)
        g_string_append_c (result, '{');
      text += 2;
      continue;
    }
    name = read_name (text + 1, &end);
    if (end == NULL || name == N_NAMES) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "At \"%.20s\" there must be {game}, {id}, {username} or {link}; a "
          "brace as such is \"{{\"",
          text);
      return FALSE;
    }
    if (result != NULL)
      g_string_append (result, values[name]);
    text = end;
  }
  return TRUE;
}

NoticeTexts *
notice_texts_new (void)
{
  NoticeTexts *texts = g_new0 (NoticeTexts, 1);

  texts->standard = g_strdup (NOTICE_DEFAULT_TEXT);
  texts->others =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return texts;
}

gboolean
notice_texts_set (
    NoticeTexts *texts, const char *language, const char *text, GError **error)
{
  if (!expand (text, NULL, NULL, error))
    return FALSE;
  if (language == NULL) {
    g_free (texts->standard);
    texts->standard = g_strdup (text);
  } else {
    g_hash_table_insert (
        texts->others, g_ascii_strdown (language, -1), g_strdup (text));
  }
  return TRUE;
}

void
notice_texts_free (NoticeTexts *texts)
{
  if (texts == NULL)
    return;
  g_hash_table_unref (texts->others);
  g_free (texts->standard);
  g_free (texts);
}

/* "pt-BR", then "pt" (RFC 4647, section 3.4). */
static const char *
find_template (const NoticeTexts *texts, const char *language)
{
  char range[MAX_LANGUAGE + 1];
  char *hyphen;

  if (language == NULL || strlen (language) > MAX_LANGUAGE)
    return texts->standard;
  g_strlcpy (range, language, sizeof range);
  for (char *c = range; *c != '\0'; c++)
    *c = *c == '_' ? '-' : g_ascii_tolower (*c);
  do {
    const char *found = g_hash_table_lookup (texts->others, range);

    if (found != NULL)
      return found;
    hyphen = strrchr (range, '-');
    if (hyphen != NULL)
      *hyphen = '\0';
  } while (hyphen != NULL);
  return texts->standard;
}

/* What stands before, between and after the user's name, which is cut at a byte
 * that no UTF-8 has. (transfer full) */
static char **
split (const char *text, const NoticeJob *job)
{
  const char *values[N_NAMES] = {[GAME] = job->game_title,
      [ID] = job->game,
      [USERNAME] = NAME_MARK,
      [LINK] = job->watch_url};
  g_autoptr (GString) marked = g_string_new (NULL);

  expand (text, values, marked, NULL);
  return g_strsplit (marked->str, NAME_MARK, -1);
}

char *
notice_make_text (
    const NoticeTexts *texts, const NoticeJob *job, const WishlistUser *user)
{
  g_auto (GStrv) parts = split (find_template (texts, user->language), job);

  return g_strjoinv (user->name, parts);
}

/* --- The event -----------------------------------------------------------------*/

/* What is to be written in the place of a user's own. */
typedef enum {
  BEFORE_KEY,
  BEFORE_SUBJECT,
  BEFORE_ID,
  BEFORE_NAME,
  BEFORE_LANGUAGE,
  BEFORE_MESSAGE,
  REST,
  N_PIECES,
} Piece;

struct _NoticeForm {
  const NoticeTexts *texts;
  const NoticeJob *job;
  guint8 space[UUID5_BYTES]; /* of the keys: the broadcast */
  GString *pieces[N_PIECES];
  GHashTable *messages; /* template -> of GString: split(), as JSON has it */
};

static void
append_member (GString *json, const char *name, const char *value)
{
  g_string_append_printf (json, ",\"%s\":", name);
  json_text_append (json, value);
}

static void
write_pieces (GString *const *pieces, const NoticeJob *job)
{
  g_string_append (pieces[BEFORE_KEY], "{\"specversion\":\"1.0\",\"id\":\"");
  g_string_append_c (pieces[BEFORE_SUBJECT], '"');
  append_member (pieces[BEFORE_SUBJECT], "source", job->source);
  append_member (pieces[BEFORE_SUBJECT], "type", EVENT_TYPE);
  g_string_append (pieces[BEFORE_SUBJECT], ",\"subject\":");
  append_member (pieces[BEFORE_ID], "time", job->started_at);
  append_member (pieces[BEFORE_ID], "datacontenttype", "application/json");
  g_string_append (pieces[BEFORE_ID], ",\"data\":{\"userId\":");
  g_string_append (pieces[BEFORE_NAME], ",\"username\":");
  g_string_append (pieces[BEFORE_LANGUAGE], ",\"language\":");
  append_member (pieces[BEFORE_MESSAGE], "url", job->watch_url);
  g_string_append (pieces[BEFORE_MESSAGE], ",\"message\":\"");
  g_string_append (pieces[REST], "\",\"game\":{\"id\":");
  json_text_append (pieces[REST], job->game);
  append_member (pieces[REST], "title", job->game_title);
  g_string_append (pieces[REST], "},\"broadcast\":{\"id\":");
  json_text_append (pieces[REST], job->broadcast);
  append_member (pieces[REST], "link", job->link);
  append_member (pieces[REST], "title", job->title);
  g_string_append (pieces[REST], "}}}");
}

static void
free_string (gpointer string)
{
  g_string_free (string, TRUE);
}

static void
add_message (NoticeForm *form, const char *text)
{
  g_auto (GStrv) parts = split (text, form->job);
  GPtrArray *message = g_ptr_array_new_with_free_func (free_string);

  for (guint i = 0; parts[i] != NULL; i++) {
    GString *json = g_string_new (NULL);

    json_text_append_inner (json, parts[i]);
    g_ptr_array_add (message, json);
  }
  g_hash_table_insert (form->messages, (gpointer)text, message);
}

NoticeForm *
notice_form_new (const NoticeTexts *texts, const NoticeJob *job)
{
  NoticeForm *form = g_new0 (NoticeForm, 1);
  GHashTableIter iter;
  gpointer text;

  form->texts = texts;
  form->job = job;
  if (!uuid5_parse (job->broadcast, form->space))
    g_assert_not_reached ();
  for (guint i = 0; i < N_PIECES; i++)
    form->pieces[i] = g_string_new (NULL);
  write_pieces (form->pieces, job);
  form->messages = g_hash_table_new_full (
      NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
  add_message (form, texts->standard);
  g_hash_table_iter_init (&iter, texts->others);
  while (g_hash_table_iter_next (&iter, NULL, &text))
    add_message (form, text);
  return form;
}

void
notice_form_free (NoticeForm *form)
{
  if (form == NULL)
    return;
  for (guint i = 0; i < N_PIECES; i++)
    g_string_free (form->pieces[i], TRUE);
  g_hash_table_unref (form->messages);
  g_free (form);
}

const NoticeJob *
notice_form_get_job (const NoticeForm *form)
{
  return form->job;
}

static void
append_string (GString *json, const GString *string)
{
  g_string_append_len (json, string->str, (gssize)string->len);
}

/* Once more what stands at @at. */
static void
repeat (GString *json, gsize at, gsize length)
{
  g_string_append_len (json, json->str + at, (gssize)length);
}

/* @at, @length: the name in @json, as it is written there. */
static void
write_message (GString *json, const NoticeForm *form, const char *language,
    gsize at, gsize length)
{
  const GPtrArray *message = g_hash_table_lookup (
      form->messages, find_template (form->texts, language));

  for (guint i = 0; i < message->len; i++) {
    if (i > 0)
      repeat (json, at, length);
    append_string (json, g_ptr_array_index (message, i));
  }
}

/* Nothing is escaped twice, and printf costs as much as all the rest. */
static void
write_event (GString *json, const NoticeForm *form, const WishlistUser *user)
{
  char key[UUID5_LENGTH + 1];
  gsize id, id_length, name, name_length;

  uuid5_write (form->space, user->id, key);
  append_string (json, form->pieces[BEFORE_KEY]);
  g_string_append_len (json, key, UUID5_LENGTH);
  append_string (json, form->pieces[BEFORE_SUBJECT]);
  id = json->len;
  json_text_append (json, user->id);
  id_length = json->len - id;
  append_string (json, form->pieces[BEFORE_ID]);
  repeat (json, id, id_length);
  append_string (json, form->pieces[BEFORE_NAME]);
  name = json->len + strlen ("\"");
  json_text_append (json, user->name);
  name_length = json->len - strlen ("\"") - name;
  append_string (json, form->pieces[BEFORE_LANGUAGE]);
  json_text_append (json, user->language);
  append_string (json, form->pieces[BEFORE_MESSAGE]);
  write_message (json, form, user->language, name, name_length);
  append_string (json, form->pieces[REST]);
}

void
notice_append_event (
    GString *json, const NoticeForm *form, const WishlistUser *user)
{
  if (user->event != NULL)
    g_string_append_len (json, user->event, (gssize)user->event_length);
  else
    write_event (json, form, user);
}

void
notice_prepare (WishlistPage *page, const NoticeForm *form)
{
  GString *events = g_string_new (NULL);
  gsize at = 0;
  guint n;

  for (n = 0; n < page->users->len; n++) {
    write_event (events, form, wishlist_page_get (page, n));
    if (events->len > NOTICE_AHEAD)
      break;
    wishlist_page_get (page, n)->event_length = events->len - at;
    at = events->len;
  }
  page->events = events;
  /* By now they do not move any more. */
  at = 0;
  for (guint i = 0; i < n; i++) {
    WishlistUser *user = wishlist_page_get (page, i);

    user->event = events->str + at;
    at += user->event_length;
  }
}
