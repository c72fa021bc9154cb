/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What must be known of an upload to go on with it in another process, as a file
 * of JSON. The address of a session is as good as a password for the object: the
 * file has mode 0600, and no text made here quotes it. */
typedef struct {
  char *session; /* address of the resumable session; a secret */
  char *bucket;
  char *object;
  char *fingerprint; /* of the settings that the session was begun with */
  guint64 offset;    /* bytes that the service has for certain */
  guint32 crc32c;    /* of those */
  gint64 begun;      /* us since 1970 */
} UploadState;

/* Frees what is in it, not itself. */
void upload_state_clear (UploadState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (UploadState, upload_state_clear)

/* The text of the file. (transfer full) */
char *upload_state_render (const UploadState *state);
/* The opposite; @text need not end with a zero. Errors are GCS_ERROR_REFUSED and
 * say which member is not what. */
gboolean upload_state_parse (
    const char *text, gsize length, UploadState *state, GError **error);

/* Errors: G_IO_ERROR_NOT_FOUND; G_IO_ERROR_PERMISSION_DENIED if others than its
 * owner can use it; GCS_ERROR_REFUSED if it is damaged; the disk's. */
gboolean upload_state_load (
    const char *path, UploadState *state, GError **error);
/* Replaces the file as a whole; it is on disk when this returns. */
gboolean upload_state_save (
    const char *path, const UploadState *state, GError **error);
/* Renames the file to "<path>.unusable". (transfer full) */
char *upload_state_move_aside (const char *path, GError **error);
/* It is not wanted any more; one that is not there is removed, too. */
gboolean upload_state_remove (const char *path, GError **error);

G_END_DECLS
