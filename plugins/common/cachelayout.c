/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cachelayout.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chunkinfo.h"
#include "link.h"

#define TABLE_NAME "broadcast.json"
#define TABLE_NEW_NAME "broadcast.json.new"
#define TABLE_FORMAT 1

/* 64 tracks take some 20 kB. */
#define TABLE_MAX_SIZE (1024 * 1024)

/**
 * cache_folder_fail:
 * @what: what was tried, for example "write"
 * @code: the errno of the failure
 *
 * Sets @error to a sentence with the file's full name.
 *
 * Returns: %FALSE
 */
gboolean
cache_folder_fail (const CacheFolder *folder, const char *name,
    const char *what, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
      "Cannot %s %s/%s: %s", what, folder->path, name, g_strerror (code));
  return FALSE;
}

/**
 * cache_folder_refuse:
 * @problem: a phrase that completes "the file "
 *
 * Sets @error to G_IO_ERROR_INVALID_DATA.
 *
 * Returns: %FALSE
 */
gboolean
cache_folder_refuse (const CacheFolder *folder, const char *name,
    const char *problem, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The file %s/%s %s",
      folder->path, name, problem);
  return FALSE;
}

/**
 * cache_folder_open:
 * @folder: (out): to be cleared whether this succeeds or not
 *
 * Returns: %FALSE and @error (NOT_FOUND if the cache holds no such link,
 *     INVALID_ARGUMENT if @link is none)
 */
gboolean
cache_folder_open (CacheFolder *folder, const char *cache_dir, const char *link,
    GError **error)
{
  folder->fd = -1;
  if (!link_is_valid (link)) {
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "A link is " LINK_RULE);
    return FALSE;
  }
  folder->link = g_strdup (link);
  folder->path = g_build_filename (cache_dir, link, NULL);
  folder->fd = open (folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder->fd < 0) {
    int code = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "Cannot open the folder %s: %s", folder->path, g_strerror (code));
    return FALSE;
  }
  return TRUE;
}

void
cache_folder_clear (CacheFolder *folder)
{
  if (folder->fd >= 0)
    close (folder->fd);
  folder->fd = -1;
  g_clear_pointer (&folder->path, g_free);
  g_clear_pointer (&folder->link, g_free);
}

/**
 * cache_folder_open_file:
 * @flags: as of open(); what is made is for owner and group only
 *
 * Returns: a descriptor of a regular file, or -1 and @error
 */
int
cache_folder_open_file (
    const CacheFolder *folder, const char *name, int flags, GError **error)
{
  struct stat st;
  /* O_NONBLOCK: a FIFO that stands in the file's place must not hang us. */
  int fd = openat (
      folder->fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);

  if (fd < 0) {
    cache_folder_fail (folder, name, "open", errno, error);
    return -1;
  }
  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode)) {
    cache_folder_refuse (folder, name, "is not a regular file", error);
    close (fd);
    return -1;
  }
  return fd;
}

/**
 * cache_folder_data_name:
 * @track: a position in @table, or CHUNK_TRACK_ALL for the joint inits
 *
 * Returns: (transfer full): the name of the file with the track's bytes
 */
char *
cache_folder_data_name (const TrackTable *table, guint16 track)
{
  if (track == CHUNK_TRACK_ALL)
    return g_strdup (CACHE_JOINT_NAME);
  return g_strconcat (track_table_get (table, track)->name, ".cmaf", NULL);
}

static char *
read_text (const CacheFolder *folder, gsize *size, GError **error)
{
  g_autofree char *text = NULL;
  struct stat st;
  ssize_t n;
  int fd = cache_folder_open_file (folder, TABLE_NAME, O_RDONLY, error);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) != 0 || st.st_size > TABLE_MAX_SIZE) {
    cache_folder_refuse (folder, TABLE_NAME, "is absurdly large", error);
    close (fd);
    return NULL;
  }
  text = g_malloc (st.st_size + 1);
  n = pread (fd, text, st.st_size, 0);
  if (n < 0)
    cache_folder_fail (folder, TABLE_NAME, "read", errno, error);
  close (fd);
  if (n < 0)
    return NULL;
  text[n] = '\0';
  *size = n;
  return g_steal_pointer (&text);
}

static JsonObject *
root_object (JsonParser *parser)
{
  JsonNode *root = json_parser_get_root (parser);

  return root != NULL && JSON_NODE_HOLDS_OBJECT (root)
             ? json_node_get_object (root)
             : NULL;
}

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                 json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gboolean
has_format (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "format");

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
         json_node_get_value_type (node) == G_TYPE_INT64 &&
         json_node_get_int (node) == TABLE_FORMAT;
}

/**
 * cache_folder_read_table:
 * @table: (out) (transfer full)
 * @created: (out) (optional) (transfer full): when the link was made, ISO 8601
 *
 * Returns: %FALSE and @error (NOT_FOUND, INVALID_DATA or the disk's) if there is
 *     no broadcast.json or it is not this link's
 */
gboolean
cache_folder_read_table (const CacheFolder *folder, TrackTable **table,
    char **created, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) problem = NULL;
  g_autofree char *text = NULL;
  JsonObject *root;
  JsonNode *tracks;
  gsize size;

  text = read_text (folder, &size, error);
  if (text == NULL)
    return FALSE;
  if (!json_parser_load_from_data (parser, text, size, &problem))
    return cache_folder_refuse (folder, TABLE_NAME, problem->message, error);
  root = root_object (parser);
  if (root == NULL || !has_format (root))
    return cache_folder_refuse (folder, TABLE_NAME,
        "is not a table of tracks or of another version", error);
  if (g_strcmp0 (get_string (root, "link"), folder->link) != 0)
    return cache_folder_refuse (
        folder, TABLE_NAME, "belongs to another link", error);
  tracks = json_object_get_member (root, "table");
  if (tracks == NULL)
    return cache_folder_refuse (folder, TABLE_NAME, "has no table", error);
  *table = track_table_from_json (tracks, &problem);
  if (*table == NULL)
    return cache_folder_refuse (folder, TABLE_NAME, problem->message, error);
  if (created != NULL)
    *created = g_strdup (get_string (root, "created"));
  return TRUE;
}

/**
 * cache_folder_table_changed:
 * @stamp: (inout): of the table that was read last; zero for none
 *
 * Returns: whether to read broadcast.json. It is replaced as a whole, so a look
 *     at its inode is enough.
 */
gboolean
cache_folder_table_changed (const CacheFolder *folder, CacheTableStamp *stamp)
{
  CacheTableStamp now;
  struct stat st;

  if (fstatat (folder->fd, TABLE_NAME, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return TRUE;
  now = (CacheTableStamp){st.st_ino, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
  if (now.inode == stamp->inode && now.seconds == stamp->seconds &&
      now.nanoseconds == stamp->nanoseconds)
    return FALSE;
  *stamp = now;
  return TRUE;
}

static char *
table_to_text (
    const CacheFolder *folder, const TrackTable *table, const char *created)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_int_value (builder, TABLE_FORMAT);
  json_builder_set_member_name (builder, "link");
  json_builder_add_string_value (builder, folder->link);
  json_builder_set_member_name (builder, "created");
  json_builder_add_string_value (builder, created);
  json_builder_set_member_name (builder, "table");
  json_builder_add_value (builder, track_table_to_json (table));
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}

/**
 * cache_folder_write_table:
 *
 * Replaces broadcast.json as a whole and durably: whoever reads it, after a
 * power cut too, has the old one or the new one.
 */
gboolean
cache_folder_write_table (const CacheFolder *folder, const TrackTable *table,
    const char *created, GError **error)
{
  g_autofree char *text = table_to_text (folder, table, created);
  gsize size = strlen (text);
  ssize_t written;
  int code = 0;
  int fd = cache_folder_open_file (
      folder, TABLE_NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC, error);

  if (fd < 0)
    return FALSE;
  /* A short write of a small regular file means that the disk is full. */
  written = pwrite (fd, text, size, 0);
  if (written != (ssize_t)size)
    code = written < 0 ? errno : ENOSPC;
  else if (fsync (fd) != 0)
    code = errno;
  close (fd);
  if (code == 0 &&
      renameat (folder->fd, TABLE_NEW_NAME, folder->fd, TABLE_NAME) != 0)
    code = errno;
  if (code != 0) {
    unlinkat (folder->fd, TABLE_NEW_NAME, 0);
    return cache_folder_fail (folder, TABLE_NAME, "write", code, error);
  }
  if (fsync (folder->fd) != 0)
    return cache_folder_fail (folder, TABLE_NAME, "sync", errno, error);
  return TRUE;
}
