/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archivestate.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "jsonfields.h"

#define FORMAT "wishcast-archive-1"
#define MODE 0600

static const char *const stages[] = {
    "body", "head", "join", "ready", "drop", "gone"};
static const char *const tolds[] = {"nothing", "uploading", "all"};

static void
part_free (gpointer data)
{
  ArchivePart *part = data;

  g_free (part->object);
  g_free (part);
}

static ArchiveState *
state_new (void)
{
  ArchiveState *state = g_new0 (ArchiveState, 1);

  state->parts = g_ptr_array_new_with_free_func (part_free);
  return state;
}

ArchiveState *
archive_state_new (const char *object)
{
  ArchiveState *state = state_new ();

  archive_state_add_part (state, 0, object);
  return state;
}

void
archive_state_free (ArchiveState *state)
{
  if (state == NULL)
    return;
  g_ptr_array_unref (state->parts);
  g_free (state);
}

ArchivePart *
archive_state_add_part (
    ArchiveState *state, guint32 first_epoch, const char *object)
{
  ArchivePart *part = g_new0 (ArchivePart, 1);

  part->first_epoch = first_epoch;
  part->object = g_strdup (object);
  g_ptr_array_add (state->parts, part);
  return part;
}

static gboolean
is_over (const ArchivePart *part)
{
  return part->stage == ARCHIVE_STAGE_READY ||
         part->stage == ARCHIVE_STAGE_GONE;
}

ArchivePart *
archive_state_get_current (ArchiveState *state, guint *number)
{
  guint i = 0;

  while (i + 1 < state->parts->len && is_over (state->parts->pdata[i]))
    i++;
  if (number != NULL)
    *number = i;
  return state->parts->pdata[i];
}

gboolean
archive_state_is_done (const ArchiveState *state)
{
  const ArchivePart *last = state->parts->pdata[state->parts->len - 1];

  for (guint i = 0; i < state->parts->len; i++) {
    const ArchivePart *part = state->parts->pdata[i];

    if (!is_over (part) || part->told != ARCHIVE_TOLD_ALL)
      return FALSE;
  }
  return last->is_last;
}

/* --- The text ------------------------------------------------------------------*/

static void
add_part (JsonBuilder *builder, const ArchivePart *part)
{
  json_builder_begin_object (builder);
  json_fields_add_number (builder, "firstEpoch", part->first_epoch);
  json_fields_add_text (builder, "object", part->object);
  json_fields_add_text (builder, "stage", stages[part->stage]);
  json_fields_add_text (builder, "told", tolds[part->told]);
  json_fields_add_number (builder, "kept", (gint64)part->kept);
  json_fields_add_number (builder, "last", part->is_last);
  json_fields_add_number (builder, "bodySize", (gint64)part->body_size);
  json_fields_add_number (builder, "bodyCrc32c", part->body_crc);
  json_fields_add_number (builder, "headSize", (gint64)part->head_size);
  json_fields_add_number (builder, "headCrc32c", part->head_crc);
  json_fields_add_number (builder, "duration", (gint64)part->duration);
  json_fields_add_number (builder, "incomplete", part->is_incomplete);
  json_fields_add_number (builder, "nextEpoch", part->next_epoch);
  json_builder_end_object (builder);
}

char *
archive_state_render (const ArchiveState *state)
{
  JsonBuilder *builder = json_fields_begin_list (FORMAT, "parts");

  for (guint i = 0; i < state->parts->len; i++)
    add_part (builder, state->parts->pdata[i]);
  return json_fields_end_list (builder);
}

static gboolean
get_word (JsonObject *object, const char *member, const char *const *words,
    guint n_words, guint *word, GError **error)
{
  g_autofree char *text = NULL;

  if (!json_fields_text (object, member, &text, error))
    return FALSE;
  for (*word = 0; *word < n_words; (*word)++)
    if (g_str_equal (text, words[*word]))
      return TRUE;
  return json_fields_complain (error, member, "a word of this format");
}

static gboolean
get_uint32 (
    JsonObject *object, const char *member, guint32 *value, GError **error)
{
  gint64 number;

  if (!json_fields_number (object, member, &number, error))
    return FALSE;
  *value = (guint32)number;
  return number <= G_MAXUINT32 ||
         json_fields_complain (error, member, "a number of 32 bits");
}

static gboolean
get_uint64 (
    JsonObject *object, const char *member, guint64 *value, GError **error)
{
  return json_fields_number (object, member, (gint64 *)value, error);
}

static gboolean
get_flag (
    JsonObject *object, const char *member, gboolean *value, GError **error)
{
  gint64 number;

  if (!json_fields_number (object, member, &number, error))
    return FALSE;
  *value = number == 1;
  return number <= 1 || json_fields_complain (error, member, "0 or 1");
}

static gboolean
parse_fields (JsonObject *object, ArchivePart *part, GError **error)
{
  guint stage, told;

  if (!get_word (
          object, "stage", stages, G_N_ELEMENTS (stages), &stage, error) ||
      !get_word (object, "told", tolds, G_N_ELEMENTS (tolds), &told, error))
    return FALSE;
  part->stage = stage;
  part->told = told;
  return get_uint32 (object, "firstEpoch", &part->first_epoch, error) &&
         json_fields_text (object, "object", &part->object, error) &&
         get_uint64 (object, "kept", &part->kept, error) &&
         get_flag (object, "last", &part->is_last, error) &&
         get_uint64 (object, "bodySize", &part->body_size, error) &&
         get_uint32 (object, "bodyCrc32c", &part->body_crc, error) &&
         get_uint64 (object, "headSize", &part->head_size, error) &&
         get_uint32 (object, "headCrc32c", &part->head_crc, error) &&
         get_uint64 (object, "duration", &part->duration, error) &&
         get_flag (object, "incomplete", &part->is_incomplete, error) &&
         get_uint32 (object, "nextEpoch", &part->next_epoch, error);
}

static gboolean
parse_part (JsonObject *object, gpointer data, GError **error)
{
  return parse_fields (object, archive_state_add_part (data, 0, NULL), error);
}

ArchiveState *
archive_state_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (ArchiveState) state = state_new ();

  if (!json_fields_parse_list (
          text, length, FORMAT, "parts", parse_part, state, error))
    return NULL;
  if (state->parts->len == 0) {
    json_fields_complain (error, "parts", "a list of one part or more");
    return NULL;
  }
  return g_steal_pointer (&state);
}

/* --- The file ------------------------------------------------------------------*/

static char *
get_path (const char *state_dir, const char *link)
{
  return g_strdup_printf ("%s/%s.json", state_dir, link);
}

ArchiveState *
archive_state_load (const char *state_dir, const char *link, GError **error)
{
  g_autofree char *path = get_path (state_dir, link);
  g_autofree char *text = NULL;
  g_autoptr (GError) why = NULL;
  ArchiveState *state;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &why)) {
    if (!g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
      g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
  }
  state = archive_state_parse (text, length, error);
  if (state == NULL)
    g_prefix_error (error, "%s: ", path);
  return state;
}

gboolean
archive_state_save (const ArchiveState *state, const char *state_dir,
    const char *link, GError **error)
{
  g_autofree char *path = get_path (state_dir, link);
  g_autofree char *text = archive_state_render (state);

  return g_file_set_contents_full (path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, MODE,
      error);
}

void
archive_state_delete (const char *state_dir, const char *link)
{
  g_autofree char *path = get_path (state_dir, link);

  g_unlink (path);
}
