/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "commandkit.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

void
command_kit_init (CommandKit *kit, const char *text)
{
  kit->dir = g_dir_make_tmp ("wishcast-commands-XXXXXX", NULL);
  g_assert_nonnull (kit->dir);
  /* If we are root, a private PostgreSQL is somebody else, who must get there. */
  g_assert_cmpint (g_chmod (kit->dir, 0711), ==, 0);
  kit->conf = g_build_filename (kit->dir, "wishcast.conf", NULL);
  command_kit_configure (kit, text != NULL ? text : "");
}

void
command_kit_clear (CommandKit *kit)
{
  const char *argv[] = {"rm", "-rf", kit->dir, NULL};

  if (kit->dir != NULL)
    g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH,
        NULL, NULL, NULL, NULL, NULL, NULL));
  g_clear_pointer (&kit->dir, g_free);
  g_clear_pointer (&kit->conf, g_free);
}

void
command_result_clear (CommandResult *result)
{
  g_clear_pointer (&result->out, g_free);
  g_clear_pointer (&result->err, g_free);
}

void
command_kit_configure (CommandKit *kit, const char *text)
{
  g_assert_true (g_file_set_contents (kit->conf, text, -1, NULL));
}

char *
command_kit_write (CommandKit *kit, const char *name, const char *text)
{
  char *path = g_build_filename (kit->dir, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
start (CommandKit *kit, va_list args)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GSubprocess *process;
  const char *word;

  g_assert_nonnull (g_getenv ("WISHCAST"));
  g_ptr_array_add (argv, (gpointer)g_getenv ("WISHCAST"));
  while ((word = va_arg (args, const char *)) != NULL)
    g_ptr_array_add (argv, (gpointer)word);
  if (kit != NULL && argv->len > 1) {
    g_ptr_array_add (argv, (gpointer) "-c");
    g_ptr_array_add (argv, kit->conf);
  }
  g_ptr_array_add (argv, NULL);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (
      launcher, (const char *const *)argv->pdata, &error);
  g_assert_no_error (error);
  return process;
}

GSubprocess *
command_kit_start (CommandKit *kit, ...)
{
  GSubprocess *process;
  va_list args;

  va_start (args, kit);
  process = start (kit, args);
  va_end (args);
  return process;
}

CommandResult
command_kit_finish (GSubprocess *process)
{
  CommandResult result = {0};
  g_autoptr (GError) error = NULL;

  g_subprocess_communicate_utf8 (
      process, NULL, NULL, &result.out, &result.err, &error);
  g_assert_no_error (error);
  result.status = g_subprocess_get_if_exited (process)
                      ? g_subprocess_get_exit_status (process)
                      : 128 + g_subprocess_get_term_sig (process);
  g_object_unref (process);
  return result;
}

CommandResult
command_kit_run (CommandKit *kit, ...)
{
  GSubprocess *process;
  va_list args;

  va_start (args, kit);
  process = start (kit, args);
  va_end (args);
  return command_kit_finish (process);
}

void
command_kit_await (GSubprocess *process, const char *text)
{
  GInputStream *stream = g_subprocess_get_stdout_pipe (process);
  GPollableInputStream *pollable = G_POLLABLE_INPUT_STREAM (stream);
  g_autoptr (GString) seen = g_string_new (NULL);
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (strstr (seen->str, text) == NULL) {
    g_autoptr (GError) error = NULL;
    char bytes[256];
    gssize n = g_pollable_input_stream_read_nonblocking (
        pollable, bytes, sizeof bytes, NULL, &error);

    if (n > 0)
      g_string_append_len (seen, bytes, n);
    else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
             g_get_monotonic_time () > deadline)
      g_error ("It has not said \"%s\" but: %s", text, seen->str);
    else
      g_usleep (G_USEC_PER_SEC / 100);
  }
}

void
command_kit_expect (
    CommandKit *kit, int status, const char *out, const char *err, ...)
{
  g_auto (CommandResult) result = {0};
  va_list args;
  GSubprocess *process;

  va_start (args, err);
  process = start (kit, args);
  va_end (args);
  result = command_kit_finish (process);
  if (result.status != status ||
      (out != NULL && strstr (result.out, out) == NULL) ||
      (err != NULL && strstr (result.err, err) == NULL))
    g_error ("Status %d instead of %d, or not \"%s\" but:\n%s\nor not \"%s\" "
             "but:\n%s",
        result.status, status, out, result.out, err, result.err);
}
