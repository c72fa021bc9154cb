/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "archiver.h"
#include "cacheclear.h"
#include "cachereader.h"
#include "cachescan.h"
#include "commands.h"
#include "link.h"

static gboolean clears_archived, is_forced;

static const GOptionEntry entries[] = {
    {"archived", 0, 0, G_OPTION_ARG_NONE, &clears_archived,
        "With clear: all that are archived and not on air", NULL},
    {"force", 0, 0, G_OPTION_ARG_NONE, &is_forced,
        "With clear: also one that is not archived, which is lost then", NULL},
    {NULL},
};

typedef struct {
  const char *dir;
  char *state_dir;   /* of the archiver */
  gboolean archives; /* this node has one */
} Cache;

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

static const char *
describe_archive (const Cache *cache, const char *link)
{
  switch (archiver_get_progress (cache->state_dir, link)) {
    case ARCHIVE_DONE:
      return "yes";
    case ARCHIVE_UPLOADING:
      return "partly";
    case ARCHIVE_NONE:
    default:
      return "no";
  }
}

static void
add_link (CommandTable *table, const Cache *cache, const char *link)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CacheReader) reader = cache_reader_open (cache->dir, link, &error);
  g_autofree char *path = g_build_filename (cache->dir, link, NULL);
  g_autofree char *size = g_format_size (cache_folder_size (path));
  g_autofree char *length = NULL, *epochs = NULL;
  const char *archived = describe_archive (cache, link);
  const char *state;

  if (reader == NULL) {
    const char *texts[] = {link, size, "-", "-", archived, error->message};

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
      table, (const char *[]){link, size, length, epochs, archived, state});
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* In order; none if there is no cache yet. (transfer full), or NULL. */
static GPtrArray *
read_links (const Cache *cache, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GDir) dir = g_dir_open (cache->dir, 0, &why);
  GPtrArray *links;
  const char *name;

  if (dir == NULL && !g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
  }
  links = g_ptr_array_new_with_free_func (g_free);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (link_is_valid (name))
      g_ptr_array_add (links, g_strdup (name));
  g_ptr_array_sort (links, compare_names);
  return links;
}

static int
list (const Cache *cache)
{
  static const char *const titles[] = {
      "LINK", "SIZE", "LENGTH", "EPOCHS", "ARCHIVED", "STATE", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) links = read_links (cache, &error);
  CommandTable *table;

  if (links == NULL)
    return command_fail (error);
  table = command_table_new (titles);
  for (guint i = 0; i < links->len; i++)
    add_link (table, cache, links->pdata[i]);
  command_table_print (table, "The cache is empty.");
  return EX_OK;
}

/* The store before what says that it is archived: the other way round it would
 * be archived once more. */
static gboolean
clear_store (const Cache *cache, const char *link, GError **error)
{
  if (!cache_clear (cache->dir, link, error))
    return FALSE;
  archiver_forget (cache->state_dir, link);
  return TRUE;
}

static int
clear (const Cache *cache, const char *link)
{
  g_autofree char *path = g_build_filename (cache->dir, link, NULL);
  g_autoptr (GError) error = NULL;

  if (cache->archives && !is_forced && link_is_valid (link) &&
      g_file_test (path, G_FILE_TEST_EXISTS) &&
      archiver_get_progress (cache->state_dir, link) != ARCHIVE_DONE) {
    command_say ("%s is not archived, so there is no other copy of it; with "
                 "--force it is cleared, and lost",
        link);
    return EX_DATAERR;
  }
  if (clear_store (cache, link, &error))
    return EX_OK;
  command_say ("%s", error->message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    return EX_TEMPFAIL;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    return EX_DATAERR;
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? EX_NOINPUT
                                                                   : EX_IOERR;
}

/* One that is on air, or that the node itself has just cleared, is no mistake of
 * who typed this. */
static int
clear_all_archived (const Cache *cache)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) links = read_links (cache, &error);
  int status = EX_OK;

  if (links == NULL)
    return command_fail (error);
  for (guint i = 0; i < links->len; i++) {
    const char *link = links->pdata[i];
    g_autoptr (GError) why = NULL;

    if (archiver_get_progress (cache->state_dir, link) != ARCHIVE_DONE)
      continue;
    if (clear_store (cache, link, &why)) {
      printf ("%s\n", link);
    } else if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_BUSY) &&
               !g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
      command_say ("%s", why->message);
      status = EX_IOERR;
    }
  }
  return status;
}

static int
run_clear (const Cache *cache, int argc, char **argv)
{
  if (clears_archived && is_forced)
    return command_refuse (
        &command_cache, "--archived needs no --force, nor does it take it");
  if (argc != (clears_archived ? 2 : 3))
    return command_refuse (&command_cache, "cache clear takes %s",
        clears_archived ? "no link with --archived" : "a link, or --archived");
  return clears_archived ? clear_all_archived (cache) : clear (cache, argv[2]);
}

static int
run (int argc, char **argv)
{
  g_autoptr (Settings) settings = NULL;
  g_autofree char *state_dir = NULL;
  Cache cache;
  int status;

  if (!command_parse (
          &command_cache, &argc, argv, entries, 1, 2, &settings, &status))
    return status;
  state_dir = g_build_filename (
      settings_get_string (settings, SETTING_NODE_DATA_DIR), "archive", NULL);
  cache = (Cache){
      .dir = settings_get_string (settings, SETTING_CACHE_DIR),
      .state_dir = state_dir,
      .archives = settings_get_boolean (settings, SETTING_SERVICES_ARCHIVER),
  };
  if (strcmp (argv[1], "clear") == 0)
    return run_clear (&cache, argc, argv);
  if (strcmp (argv[1], "list") != 0)
    return command_refuse (&command_cache, "there is no cache %s", argv[1]);
  if (argc != 2 || clears_archived || is_forced)
    return command_refuse (&command_cache, "cache list takes no arguments");
  return list (&cache);
}

const Command command_cache = {
    "cache",
    "list | clear LINK [--force] | clear --archived",
    "the stored broadcasts of this node",
    "STATE is ended, or open: on air, interrupted, or cut off by a crash;\n"
    "incomplete if chunks were lost. clear deletes one that is archived and "
    "not "
    "on air,\n"
    "or all of these. A running node does so by itself, but leaves the last "
    "minutes.",
    run,
};
