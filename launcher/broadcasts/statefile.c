/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "statefile.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "jsonfields.h"
#include "link.h"

#define FORMAT "wishcast-broadcasts-1"
#define MODE 0600

struct _StateFile {
  char *path;
  GThread *thread;
  GMutex lock;
  GCond changed;      /* something of the below */
  char *next;         /* to be written; with lock */
  gboolean is_busy;   /* writing; with lock */
  gboolean is_ending; /* with lock */
  char *complaint;    /* of the last write; with lock */
};

/* --- the text ------------------------------------------------------------------ */

static void
add_broadcast (JsonBuilder *builder, const Broadcast *broadcast)
{
  json_builder_begin_object (builder);
  json_fields_add_text (builder, "link", broadcast->link);
  json_fields_add_text (builder, "key", broadcast->key_id);
  json_fields_add_text (builder, "game", broadcast->game);
  json_fields_add_text (builder, "title", broadcast->title);
  json_fields_add_number (builder, "broadcaster", broadcast->broadcaster);
  json_fields_add_text (
      builder, "broadcasterName", broadcast->broadcaster_name);
  json_fields_add_text (
      builder, "state", broadcast_state_to_string (broadcast->state));
  json_fields_add_number (builder, "created", broadcast->created);
  json_fields_add_number (builder, "since", broadcast->since);
  json_fields_add_number (builder, "resumeUntil", broadcast->resume_until);
  if (broadcast->reason != NULL)
    json_fields_add_text (builder, "reason", broadcast->reason);
  json_builder_end_object (builder);
}

char *
state_file_render (const GPtrArray *broadcasts)
{
  JsonBuilder *builder = json_fields_begin_list (FORMAT, "broadcasts");

  for (guint i = 0; i < broadcasts->len; i++)
    add_broadcast (builder, broadcasts->pdata[i]);
  return json_fields_end_list (builder);
}

static gboolean
get_state (JsonObject *object, BroadcastState *state, GError **error)
{
  g_autofree char *text = NULL;

  if (!json_fields_text (object, "state", &text, error))
    return FALSE;
  for (int i = BROADCAST_STARTING; i <= BROADCAST_ENDED; i++)
    if (g_str_equal (text, broadcast_state_to_string (i))) {
      *state = i;
      return TRUE;
    }
  return json_fields_complain (
      error, "state", "one that a broadcast can be in");
}

static gboolean
parse_fields (JsonObject *object, Broadcast *broadcast, GError **error)
{
  return json_fields_text (object, "link", &broadcast->link, error) &&
         json_fields_text (object, "key", &broadcast->key_id, error) &&
         json_fields_text (object, "game", &broadcast->game, error) &&
         json_fields_text (object, "title", &broadcast->title, error) &&
         json_fields_number (
             object, "broadcaster", &broadcast->broadcaster, error) &&
         json_fields_text (
             object, "broadcasterName", &broadcast->broadcaster_name, error) &&
         get_state (object, &broadcast->state, error) &&
         json_fields_number (object, "created", &broadcast->created, error) &&
         json_fields_number (object, "since", &broadcast->since, error) &&
         json_fields_number (
             object, "resumeUntil", &broadcast->resume_until, error) &&
         (broadcast->state != BROADCAST_ENDED ||
             json_fields_text (object, "reason", &broadcast->reason, error));
}

static gboolean
parse_broadcast (JsonObject *object, gpointer data, GError **error)
{
  g_autoptr (Broadcast) broadcast = g_new0 (Broadcast, 1);

  if (!parse_fields (object, broadcast, error))
    return FALSE;
  /* It becomes the name of a folder. */
  if (!link_is_valid (broadcast->link))
    return json_fields_complain (error, "link", LINK_RULE);
  g_ptr_array_add (data, g_steal_pointer (&broadcast));
  return TRUE;
}

GPtrArray *
state_file_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (GPtrArray) broadcasts =
      g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_free);

  if (!json_fields_parse_list (text, length, FORMAT, "broadcasts",
          parse_broadcast, broadcasts, error))
    return NULL;
  return g_steal_pointer (&broadcasts);
}

/* --- the file ------------------------------------------------------------------- */

static void
write_next (StateFile *file, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (file->path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, MODE,
      &error);
  g_mutex_lock (&file->lock);
  g_free (file->complaint);
  file->complaint = error != NULL ? g_strdup (error->message) : NULL;
  g_mutex_unlock (&file->lock);
}

static gpointer
run (gpointer user_data)
{
  StateFile *file = user_data;

  g_mutex_lock (&file->lock);
  while (TRUE) {
    g_autofree char *text = g_steal_pointer (&file->next);

    if (text != NULL) {
      file->is_busy = TRUE;
      g_mutex_unlock (&file->lock);
      write_next (file, text);
      g_mutex_lock (&file->lock);
      file->is_busy = FALSE;
      g_cond_broadcast (&file->changed);
    } else if (file->is_ending) {
      break;
    } else {
      g_cond_wait (&file->changed, &file->lock);
    }
  }
  g_mutex_unlock (&file->lock);
  return NULL;
}

/* Keeps what cannot be used for whoever wants to know, once. */
static char *
move_aside (const char *path, const GError *why)
{
  g_autofree char *aside = g_strconcat (path, ".unusable", NULL);

  if (g_rename (path, aside) != 0)
    return g_strdup_printf ("%s: the open broadcasts cannot be read: %s; "
                            "they are not resumed",
        path, why->message);
  return g_strdup_printf ("%s: the open broadcasts cannot be read: %s; they "
                          "are not resumed, and the file is now \"%s\"",
      path, why->message, aside);
}

static GPtrArray *
read_file (const char *path, char **complaint)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GPtrArray *broadcasts = NULL;
  gsize length;

  if (g_file_get_contents (path, &text, &length, &error))
    broadcasts = state_file_parse (text, length, &error);
  if (broadcasts != NULL)
    return broadcasts;
  if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    *complaint = move_aside (path, error);
  return g_ptr_array_new_with_free_func ((GDestroyNotify)broadcast_free);
}

StateFile *
state_file_open (
    const char *path, GPtrArray **broadcasts, char **complaint, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  StateFile *file;

  if (g_mkdir_with_parents (folder, 0750) != 0 ||
      g_access (folder, W_OK | X_OK) != 0) {
    int reason = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (reason),
        "The folder \"%s\", for the open broadcasts, cannot be used: %s",
        folder, g_strerror (reason));
    return NULL;
  }
  *complaint = NULL;
  *broadcasts = read_file (path, complaint);
  file = g_new0 (StateFile, 1);
  file->path = g_strdup (path);
  g_mutex_init (&file->lock);
  g_cond_init (&file->changed);
  file->thread = g_thread_new ("state-file", run, file);
  return file;
}

void
state_file_save (StateFile *file, const GPtrArray *broadcasts)
{
  char *text = state_file_render (broadcasts);

  g_mutex_lock (&file->lock);
  g_free (file->next);
  file->next = text;
  g_cond_broadcast (&file->changed);
  g_mutex_unlock (&file->lock);
}

void
state_file_flush (StateFile *file)
{
  g_mutex_lock (&file->lock);
  while (file->next != NULL || file->is_busy)
    g_cond_wait (&file->changed, &file->lock);
  g_mutex_unlock (&file->lock);
}

char *
state_file_take_complaint (StateFile *file)
{
  char *complaint;

  g_mutex_lock (&file->lock);
  complaint = g_steal_pointer (&file->complaint);
  g_mutex_unlock (&file->lock);
  return complaint;
}

void
state_file_free (StateFile *file)
{
  if (file == NULL)
    return;
  g_mutex_lock (&file->lock);
  file->is_ending = TRUE;
  g_cond_broadcast (&file->changed);
  g_mutex_unlock (&file->lock);
  g_thread_join (file->thread);
  g_mutex_clear (&file->lock);
  g_cond_clear (&file->changed);
  g_free (file->complaint);
  g_free (file->path);
  g_free (file);
}
