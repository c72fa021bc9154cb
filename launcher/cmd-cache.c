/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "cacheclear.h"
#include "cachereader.h"
#include "commands.h"
#include "link.h"

/* Bytes of the files in a folder. */
static guint64
get_size (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint64 size = 0;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);
    GStatBuf info;

    if (g_lstat (file, &info) == 0)
      size += info.st_size;
  }
  return size;
}

/* Of media, from the first to the last that is stored. */
static char *
format_length (CacheReader *reader)
{
  guint64 end = 0, begin = G_MAXUINT64, seconds;
  CacheSegment segment;
  guint64 next_msn;
  guint32 epoch;

  if (!cache_reader_get_tail (reader, &epoch, &next_msn, &end))
    return g_strdup ("-");
  for (guint i = 0; i < track_table_size (cache_reader_get_tracks (reader));
       i++)
    if (cache_reader_get_segment (reader, i, 0, &segment))
      begin = MIN (begin, segment.dts);
  seconds = begin < end ? (end - begin) / 1000000000 : 0;
  return g_strdup_printf ("%u:%02u:%02u", (guint)(seconds / 3600),
      (guint)(seconds / 60 % 60), (guint)(seconds % 60));
}

static void
add_link (CommandTable *table, const char *cache_dir, const char *link)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader = cache_reader_open (cache_dir, link, &error);
  g_autofree char *path = g_build_filename (cache_dir, link, NULL);
  g_autofree char *size = g_format_size (get_size (path));
  g_autofree char *length = NULL, *epochs = NULL;
  const char *state;

  if (reader == NULL) {
    const char *texts[] = {link, size, "-", "-", error->message};

    command_table_add (table, texts);
    return;
  }
  length = format_length (reader);
  epochs = g_strdup_printf ("%u", cache_reader_count_epochs (reader));
  if (cache_reader_is_ended (reader))
    state = cache_reader_is_incomplete (reader) ? "ended, incomplete" : "ended";
  else
    state = cache_reader_is_incomplete (reader) ? "open, incomplete" : "open";
  command_table_add (
      table, (const char *[]){link, size, length, epochs, state});
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static int
list (const char *cache_dir)
{
  static const char *const titles[] = {
      "LINK", "SIZE", "LENGTH", "EPOCHS", "STATE", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (cache_dir, 0, &error);
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func (g_free);
  CommandTable *table;
  const char *name;

  if (dir == NULL && !g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return command_fail (error);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (link_is_valid (name))
      g_ptr_array_add (links, g_strdup (name));
  g_ptr_array_sort (links, compare_names);
  table = command_table_new (titles);
  for (guint i = 0; i < links->len; i++)
    add_link (table, cache_dir, links->pdata[i]);
  command_table_print (table, "The cache is empty.");
  return EX_OK;
}

static int
clear (const char *cache_dir, const char *link)
{
  g_autoptr (GError) error = NULL;

  if (cache_clear (cache_dir, link, &error))
    return EX_OK;
  command_say ("%s", error->message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    return EX_TEMPFAIL;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    return EX_DATAERR;
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? EX_NOINPUT
                                                                   : EX_IOERR;
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  const char *cache_dir;
  gboolean clears;
  int status;

  if (!command_parse (
          &command_cache, &argc, argv, NULL, 1, 2, &settings, &status))
    return status;
  clears = strcmp (argv[1], "clear") == 0;
  if (!clears && strcmp (argv[1], "list") != 0)
    return command_refuse (&command_cache, "there is no cache %s", argv[1]);
  if (argc != (clears ? 3 : 2))
    return command_refuse (&command_cache, "cache %s takes %s", argv[1],
        clears ? "a link" : "no arguments");
  cache_dir = settings_get_string (settings, SETTING_CACHE_DIR);
  return clears ? clear (cache_dir, argv[2]) : list (cache_dir);
}

const Command command_cache = {
    "cache",
    "list | clear LINK",
    "the stored broadcasts of this node",
    "STATE is ended, or open: on air, interrupted, or cut off by a crash;\n"
    "incomplete if chunks were lost. clear deletes one that is not on air.",
    run,
};
