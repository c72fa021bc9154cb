/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archivestore-private.h"
#include "crc32c.h"
#include "description.h"
#include "gcserror.h"

#define FOLDER_MODE 0750
#define FILE_MODE 0640
/* Between two looks at the cancellable. */
#define STRETCH (16 * 1024 * 1024)
#define BLOCK (256 * 1024)

typedef struct {
  ArchiveStore parent;
  char *dir;
} ArchiveFolder;

static void
archive_folder_free (ArchiveStore *store)
{
  ArchiveFolder *folder = (ArchiveFolder *)store;

  g_free (folder->dir);
  g_free (folder);
}

static char *
get_path (ArchiveStore *store, const char *object)
{
  return g_build_filename (((ArchiveFolder *)store)->dir, object, NULL);
}

static GcsError
get_code (int code)
{
  switch (code) {
    case ENOENT:
      return GCS_ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
      return GCS_ERROR_DENIED;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      return GCS_ERROR_SETTINGS;
    default:
      return GCS_ERROR_AWAY;
  }
}

static gboolean
fail (const char *what, const char *path, int code, GError **error)
{
  g_set_error (error, GCS_ERROR, get_code (code), "Cannot %s \"%s\": %s", what,
      path, g_strerror (code));
  return FALSE;
}

/* --- Files ------------------------------------------------------------------*/

static gboolean
make_folder (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, FOLDER_MODE) == 0)
    return TRUE;
  return fail ("make the folder", path, errno, error);
}

/* So that what was renamed or made in it is there after a power cut, too. */
static gboolean
sync_folder (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  gboolean done = fd >= 0 && fsync (fd) == 0;

  if (!done)
    fail ("store", path, errno, error);
  if (fd >= 0)
    close (fd);
  return done;
}

static gboolean
write_all (int fd, const guint8 *data, gsize size)
{
  while (size > 0) {
    gssize n = write (fd, data, size);

    if (n < 0 && errno != EINTR)
      return FALSE;
    data += MAX (n, 0);
    size -= (gsize)MAX (n, 0);
  }
  return TRUE;
}

/* For file systems that cannot do it by themselves. */
static gssize
copy_stretch (int from, int to)
{
  g_autofree guint8 *block = g_malloc (BLOCK);
  gssize n;

  do
    n = read (from, block, BLOCK);
  while (n < 0 && errno == EINTR);
  return n > 0 && !write_all (to, block, (gsize)n) ? -1 : n;
}

/* Appends what is left of @from to @to. File systems that can share the blocks
 * do: hours of media are not written twice. */
static gboolean
copy (int from, int to, const char *path, GCancellable *cancellable,
    GError **error)
{
  gboolean by_kernel = TRUE;
  gssize n;

  do {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    n = by_kernel ? copy_file_range (from, NULL, to, NULL, STRETCH, 0)
                  : copy_stretch (from, to);
    if (n < 0 && by_kernel && errno != ENOSPC && errno != EIO) {
      by_kernel = FALSE;
      n = 1;
    }
  } while (n > 0);
  return n == 0 || fail ("write", path, errno, error);
}

static gboolean
sum_file (const char *path, ArchiveObject *found, GCancellable *cancellable,
    GError **error)
{
  g_autofree guint8 *block = g_malloc (BLOCK);
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gssize n;

  *found = (ArchiveObject){0};
  if (fd < 0)
    return fail ("read", path, errno, error);
  while (!g_cancellable_set_error_if_cancelled (cancellable, error)) {
    n = read (fd, block, BLOCK);
    if (n == 0) {
      close (fd);
      return TRUE;
    }
    if (n < 0 && errno != EINTR) {
      fail ("read", path, errno, error);
      break;
    }
    found->crc32c = crc32c_update (found->crc32c, block, (gsize)MAX (n, 0));
    found->size += (guint64)MAX (n, 0);
  }
  close (fd);
  return FALSE;
}

static gboolean
check_file (const char *path, const ArchiveObject *expected,
    GCancellable *cancellable, GError **error)
{
  ArchiveObject found;

  if (!sum_file (path, &found, cancellable, error))
    return FALSE;
  if (found.size == expected->size && found.crc32c == expected->crc32c)
    return TRUE;
  g_set_error (error, GCS_ERROR, GCS_ERROR_CORRUPT,
      "\"%s\" is not what was sent: %" G_GUINT64_FORMAT
      " bytes with CRC-32C %08x instead of %" G_GUINT64_FORMAT " with %08x",
      path, found.size, found.crc32c, expected->size, expected->crc32c);
  return FALSE;
}

/* --- The store ----------------------------------------------------------------*/

/* What a file has is what the kernel was given; whether that is all on the disk
 * after a power cut, the sum at the end shows. */
static gboolean
archive_folder_prepare (
    ArchiveStore *store, const char *object, guint64 *offset, GError **error)
{
  g_autofree char *path = get_path (store, object);
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat file;

  if (!make_folder (folder, error) ||
      !sync_folder (((ArchiveFolder *)store)->dir, error))
    return FALSE;
  if (stat (path, &file) == 0)
    *offset = (guint64)file.st_size;
  else if (errno != ENOENT)
    return fail ("look at", path, errno, error);
  return TRUE;
}

/* It appends, so a file that goes on is not cut. The source has large blocks, so
 * nothing is gained by gathering more. */
static char *
archive_folder_describe_sink (
    ArchiveStore *store, const char *object, const char *state_file)
{
  g_autofree char *path = get_path (store, object);
  g_autofree char *quoted = description_quote (path);

  return g_strdup_printf (
      "filesink append=true buffer-mode=unbuffered location=%s", quoted);
}

static gboolean
archive_folder_delete (ArchiveStore *store, const char *object,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *path = get_path (store, object);
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_unlink (path) != 0 && errno != ENOENT && errno != ENOTDIR)
    return fail ("delete", path, errno, error);
  /* Only if it was the last; the folder of all is not empty for long, and is
   * made when it is needed. */
  g_rmdir (folder);
  return TRUE;
}

/* Into @path, which nobody takes for a recording. */
static gboolean
copy_pieces (ArchiveStore *store, const char *const *pieces, const char *path,
    GCancellable *cancellable, GError **error)
{
  int to = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
  gboolean done = TRUE;

  if (to < 0)
    return fail ("write", path, errno, error);
  for (guint i = 0; done && pieces[i] != NULL; i++) {
    g_autofree char *piece = get_path (store, pieces[i]);
    int from = g_open (piece, O_RDONLY | O_CLOEXEC, 0);

    done = from >= 0 ? copy (from, to, path, cancellable, error)
                     : fail ("read", piece, errno, error);
    if (from >= 0)
      close (from);
  }
  if (done && fdatasync (to) != 0)
    done = fail ("write", path, errno, error);
  close (to);
  return done;
}

static gboolean
rename_durably (const char *from, const char *to, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (to);

  if (g_rename (from, to) != 0)
    return fail ("rename", from, errno, error);
  return sync_folder (folder, error);
}

static gboolean
make_whole (ArchiveStore *store, const char *const *pieces, const char *path,
    const ArchiveObject *expected, GCancellable *cancellable, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *hidden = g_strdup_printf ("%s/.%s.new", folder, name);

  if (copy_pieces (store, pieces, hidden, cancellable, error) &&
      check_file (hidden, expected, cancellable, error) &&
      rename_durably (hidden, path, error))
    return TRUE;
  g_unlink (hidden);
  return FALSE;
}

static gboolean
archive_folder_join (ArchiveStore *store, const char *head, const char *body,
    const char *object, const ArchiveObject *expected, gint64 expires,
    GCancellable *cancellable, GError **error)
{
  const char *const pieces[] = {head, body, NULL};
  g_autofree char *path = get_path (store, object);
  g_autoptr (GError) why = NULL;

  /* A crash came between its name and the end of the pieces. */
  if (!check_file (path, expected, cancellable, &why)) {
    if (!g_error_matches (why, GCS_ERROR, GCS_ERROR_NOT_FOUND) &&
        !g_error_matches (why, GCS_ERROR, GCS_ERROR_CORRUPT)) {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
    if (!make_whole (store, pieces, path, expected, cancellable, error))
      return FALSE;
  }
  return archive_folder_delete (store, head, cancellable, error) &&
         archive_folder_delete (store, body, cancellable, error);
}

static gboolean
archive_folder_stat (ArchiveStore *store, const char *object,
    ArchiveObject *found, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = get_path (store, object);

  return sum_file (path, found, cancellable, error);
}

static gboolean
archive_folder_open (ArchiveStore *store, const char *object, gint64 now,
    guint seconds, const char *disposition, char **address, char **path,
    GCancellable *cancellable, GError **error)
{
  g_autofree char *file = get_path (store, object);

  if (g_access (file, R_OK) != 0)
    return fail ("read", file, errno, error);
  *path = g_steal_pointer (&file);
  return TRUE;
}

static const ArchiveStoreKind kind = {
    .free = archive_folder_free,
    .prepare = archive_folder_prepare,
    .describe_sink = archive_folder_describe_sink,
    .join = archive_folder_join,
    .stat = archive_folder_stat,
    .delete = archive_folder_delete,
    .open = archive_folder_open,
};

ArchiveStore *
archive_folder_new (const char *dir, GError **error)
{
  ArchiveFolder *folder;

  if (!make_folder (dir, error))
    return NULL;
  folder = g_new0 (ArchiveFolder, 1);
  folder->parent.kind = &kind;
  folder->dir = g_strdup (dir);
  return &folder->parent;
}
