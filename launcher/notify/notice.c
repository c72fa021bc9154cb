/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notice.h"

#include <string.h>

#include "jsontext.h"
#include "uuid5.h"

#define EVENT_TYPE "com.wishcast.broadcast.started.v1"
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

char *
notice_make_text (
    const NoticeTexts *texts, const NoticeJob *job, const WishlistUser *user)
{
  const char *values[N_NAMES] = {[GAME] = job->game_title,
      [ID] = job->game,
      [USERNAME] = user->name,
      [LINK] = job->watch_url};
  GString *result = g_string_new (NULL);

  expand (find_template (texts, user->language), values, result, NULL);
  return g_string_free (result, FALSE);
}

/* --- The event -----------------------------------------------------------------*/

/* The broadcast is the name space, the user the name. */
char *
notice_make_key (const NoticeJob *job, const WishlistUser *user)
{
  guint8 space[UUID5_BYTES];
  gboolean is_uuid = uuid5_parse (job->broadcast, space);

  g_return_val_if_fail (is_uuid, NULL);
  return uuid5_make (space, user->id);
}

/* Without printf, which costs as much as all the rest of an event. */
static void
append_name (GString *json, const char *name)
{
  if (json->str[json->len - 1] != '{')
    g_string_append_c (json, ',');
  g_string_append_c (json, '"');
  g_string_append (json, name);
  g_string_append_len (json, "\":", 2);
}

static void
append_member (GString *json, const char *name, const char *value)
{
  append_name (json, name);
  json_text_append (json, value);
}

static void
begin_object (GString *json, const char *name)
{
  append_name (json, name);
  g_string_append_c (json, '{');
}

static void
write_event (GString *json, const NoticeTexts *texts, const NoticeJob *job,
    const WishlistUser *user)
{
  g_autofree char *key = notice_make_key (job, user);
  g_autofree char *message = notice_make_text (texts, job, user);

  g_string_append_c (json, '{');
  append_member (json, "specversion", "1.0");
  append_member (json, "id", key);
  append_member (json, "source", job->source);
  append_member (json, "type", EVENT_TYPE);
  append_member (json, "subject", user->id);
  append_member (json, "time", job->started_at);
  append_member (json, "datacontenttype", "application/json");
  begin_object (json, "data");
  append_member (json, "userId", user->id);
  append_member (json, "username", user->name);
  append_member (json, "language", user->language);
  append_member (json, "url", job->watch_url);
  append_member (json, "message", message);
  begin_object (json, "game");
  append_member (json, "id", job->game);
  append_member (json, "title", job->game_title);
  g_string_append_c (json, '}');
  begin_object (json, "broadcast");
  append_member (json, "id", job->broadcast);
  append_member (json, "link", job->link);
  append_member (json, "title", job->title);
  g_string_append (json, "}}}");
}

void
notice_append_event (GString *json, const NoticeTexts *texts,
    const NoticeJob *job, const WishlistUser *user)
{
  if (user->event != NULL)
    g_string_append (json, user->event);
  else
    write_event (json, texts, job, user);
}

void
notice_prepare (
    WishlistPage *page, const NoticeTexts *texts, const NoticeJob *job)
{
  g_autoptr (GString) json = g_string_new (NULL);
  gsize left = NOTICE_AHEAD;

  for (guint i = 0; i < page->users->len; i++) {
    WishlistUser *user = g_ptr_array_index (page->users, i);

    g_string_truncate (json, 0);
    write_event (json, texts, job, user);
    if (json->len > left)
      break;
    left -= json->len;
    user->event = g_strndup (json->str, json->len);
  }
}
