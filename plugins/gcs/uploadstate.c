/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uploadstate.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gcserror.h"
#include "gcsjson.h"
#include "gcsrequest.h"

#define FORMAT "wishcast-upload-1"
#define MODE 0600
/* Many times what we write. */
#define MOST_BYTES (16 * 1024)

void
upload_state_clear (UploadState *state)
{
  g_clear_pointer (&state->session, g_free);
  g_clear_pointer (&state->bucket, g_free);
  g_clear_pointer (&state->object, g_free);
  g_clear_pointer (&state->fingerprint, g_free);
  *state = (UploadState){0};
}

/* --- Text ---------------------------------------------------------------------*/

static void
add_text (JsonBuilder *builder, const char *member, const char *value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const char *member, gint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, value);

  add_text (builder, member, text);
}

char *
upload_state_render (const UploadState *state)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT);
  add_text (builder, "bucket", state->bucket);
  add_text (builder, "object", state->object);
  add_text (builder, "session", state->session);
  add_text (builder, "fingerprint", state->fingerprint);
  add_number (builder, "offset", (gint64)state->offset);
  add_number (builder, "crc32c", state->crc32c);
  add_number (builder, "begun", state->begun);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  return json_generator_to_data (generator, NULL);
}

static gboolean
read_text (JsonObject *object, const char *member, char **value, GError **error)
{
  const char *text;

  if (!gcs_json_text (object, member, &text, error))
    return FALSE;
  *value = g_strdup (text);
  return TRUE;
}

static gboolean
read_members (JsonObject *object, UploadState *state, GError **error)
{
  g_autofree char *format = NULL;
  g_autoptr (GUri) uri = NULL;
  gint64 offset, crc;

  if (!read_text (object, "format", &format, error))
    return FALSE;
  if (strcmp (format, FORMAT) != 0)
    return gcs_json_complain (error, "format", FORMAT);
  if (!read_text (object, "bucket", &state->bucket, error) ||
      !read_text (object, "object", &state->object, error) ||
      !read_text (object, "session", &state->session, error) ||
      !read_text (object, "fingerprint", &state->fingerprint, error) ||
      !gcs_json_number (object, "offset", &offset, error) ||
      !gcs_json_number (object, "crc32c", &crc, error) ||
      !gcs_json_number (object, "begun", &state->begun, error))
    return FALSE;
  if (crc > G_MAXUINT32)
    return gcs_json_complain (error, "crc32c", "a number of 32 bits");
  uri = gcs_uri_parse (state->session);
  if (uri == NULL)
    return gcs_json_complain (error, "session", "an address");
  state->offset = (guint64)offset;
  state->crc32c = (guint32)crc;
  return TRUE;
}

gboolean
upload_state_parse (
    const char *text, gsize length, UploadState *state, GError **error)
{
  g_autoptr (JsonObject) object = gcs_json_parse (text, length, error);
  g_auto (UploadState) read = {0};

  if (object == NULL || !read_members (object, &read, error))
    return FALSE;
  *state = read;
  read = (UploadState){0};
  return TRUE;
}

/* --- File ---------------------------------------------------------------------*/

static gboolean
fail (GError **error, const char *path, int code)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", path,
      g_strerror (code));
  return FALSE;
}

/* -1: not opened. No link is followed, and nothing but a file of ours is. */
static int
open_own (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat info;

  if (fd < 0 || fstat (fd, &info) != 0) {
    fail (error, path, errno);
  } else if (!S_ISREG (info.st_mode)) {
    g_set_error (error, GCS_ERROR, GCS_ERROR_REFUSED,
        "%s: it is not a regular file", path);
  } else if (info.st_uid != geteuid () || (info.st_mode & 077) != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s: others than its owner can use it; its mode must be 0600", path);
  } else {
    return fd;
  }
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
read_all (int fd, char *text, gsize size, gsize *length)
{
  *length = 0;
  while (*length < size) {
    ssize_t n = read (fd, text + *length, size - *length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    if (n == 0)
      break;
    *length += (gsize)n;
  }
  return TRUE;
}

gboolean
upload_state_load (const char *path, UploadState *state, GError **error)
{
  int fd = open_own (path, error);
  g_autofree char *text = NULL;
  gsize length = 0;
  gboolean done;

  if (fd < 0)
    return FALSE;
  /* One more than may be: so what is too long is seen to be. */
  text = g_malloc (MOST_BYTES + 1);
  done = read_all (fd, text, MOST_BYTES + 1, &length);
  if (!done)
    fail (error, path, errno);
  close (fd);
  if (!done)
    return FALSE;
  if (length > MOST_BYTES)
    return gcs_json_complain (error, path, "as short as such a file is");
  if (upload_state_parse (text, length, state, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

gboolean
upload_state_save (const char *path, const UploadState *state, GError **error)
{
  g_autofree char *text = upload_state_render (state);
  g_autoptr (GError) problem = NULL;

  if (g_file_set_contents_full (path, text, -1,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, MODE,
          &problem))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", problem->message);
  return FALSE;
}

char *
upload_state_move_aside (const char *path, GError **error)
{
  char *aside = g_strconcat (path, ".unusable", NULL);

  if (g_rename (path, aside) == 0)
    return aside;
  fail (error, path, errno);
  g_free (aside);
  return NULL;
}

gboolean
upload_state_remove (const char *path, GError **error)
{
  return g_unlink (path) == 0 || errno == ENOENT || fail (error, path, errno);
}
