/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <string.h>
#include <sysexits.h>

#include "commandkit.h"

static void
test_launch_to_the_end (void)
{
  g_auto (CommandKit) kit = {0};
  g_autofree char *path = NULL;

  command_kit_init (&kit, NULL);
  path = command_kit_write (
      &kit, "a.pipeline", "# three\nfakesrc num-buffers=${n:-3}\n! fakesink");
  command_kit_expect (&kit, EX_OK, "The end.\n", "", "launch", path, NULL);
  command_kit_expect (
      &kit, EX_OK, "The end.\n", "", "launch", path, "n=1", NULL);
  command_kit_expect (&kit, EX_CONFIG, "",
      "a.pipeline:2: could not set property \"num-buffers\"", "launch", path,
      "n=many", NULL);
  command_kit_expect (
      &kit, EX_USAGE, "", "has no variable ${m}", "launch", path, "m=1", NULL);
  command_kit_expect (&kit, EX_USAGE, "", "expected VAR=VALUE, not n", "launch",
      path, "n", NULL);
  command_kit_expect (
      &kit, EX_NOINPUT, "", "/nonexistent", "launch", "/nonexistent", NULL);
}

static void
test_launch_errors (void)
{
  g_auto (CommandKit) kit = {0};
  g_autofree char *path = NULL;

  command_kit_init (&kit, NULL);
  path = command_kit_write (
      &kit, "a.pipeline", "filesrc location=${file} name=in ! fakesink");
  command_kit_expect (&kit, EX_CONFIG, "", "a.pipeline:1: ${file} is not set",
      "launch", path, NULL);
  command_kit_expect (&kit, EX_NOINPUT, "", "Error: in: ", "launch", path,
      "file=/nonexistent \" ! file", NULL);
}

/* Not even to who asks for everything. */
static void
test_launch_keeps_secrets (void)
{
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) result = {0};
  g_autofree char *path = NULL;

  command_kit_init (
      &kit, "[database]\nurl = host=/nonexistent user=x password=hunter2\n");
  path = command_kit_write (&kit, "a.pipeline",
      "fakesrc num-buffers=1 ! broadcastregister database=${database} "
      "game=half-life ! fakesink");
  g_setenv ("GST_DEBUG", "*:6", TRUE);
  result = command_kit_run (&kit, "launch", path, NULL);
  g_unsetenv ("GST_DEBUG");
  g_assert_nonnull (strstr (result.err, "DEBUG"));
  g_assert_null (strstr (result.err, "hunter2"));
  g_assert_null (strstr (result.out, "hunter2"));
}

/* A bare name is looked for among the pipelines. */
static void
test_launch_by_name (void)
{
  g_auto (CommandKit) kit = {0};

  command_kit_init (&kit, NULL);
  command_kit_expect (&kit, EX_NOINPUT, "", "cachesrc", "launch",
      "recording.pipeline", "link=no-such-link", "cache-dir=/nonexistent",
      "location=/dev/null", NULL);
  command_kit_expect (
      &kit, EX_NOINPUT, "", "no.pipeline", "launch", "no.pipeline", NULL);
}

/* An end in which the pipeline has its say, and is done in time. */
static void
test_launch_interrupted (void)
{
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  g_auto (CommandKit) kit = {0};
  g_autofree char *path = NULL;

  command_kit_init (&kit, NULL);
  path = command_kit_write (
      &kit, "a.pipeline", "audiotestsrc is-live=true ! fakesink");
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++) {
    GSubprocess *process = command_kit_start (&kit, "launch", path, NULL);
    g_auto (CommandResult) result = {0};

    command_kit_await (process, "Running.\n");
    g_subprocess_send_signal (process, signals[i]);
    result = command_kit_finish (process);
    g_assert_cmpint (result.status, ==, EX_OK);
    g_assert_nonnull (strstr (result.out, "Ending: "));
    g_assert_nonnull (strstr (result.out, "The end.\n"));
  }
}

/* A pipeline that does not end: with the second signal it has no say. */
static void
test_launch_interrupted_twice (void)
{
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) result = {0};
  g_autofree char *path = NULL;
  GSubprocess *process;

  command_kit_init (&kit, NULL);
  path = command_kit_write (&kit, "a.pipeline",
      "audiotestsrc is-live=true ! fakesink async=false\n"
      "identity ! fakesink async=false");
  process = command_kit_start (&kit, "launch", path, NULL);
  command_kit_await (process, "Running.\n");
  g_subprocess_send_signal (process, SIGINT);
  command_kit_await (process, "Ending: ");
  g_subprocess_send_signal (process, SIGINT);
  result = command_kit_finish (process);
  g_assert_cmpint (result.status, ==, 128 + SIGINT);
}

/* With a deadline, for who is not there to press a key. */
static void
test_launch_deadline (void)
{
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) result = {0};
  g_autofree char *path = NULL;
  GSubprocess *process;

  command_kit_init (&kit, NULL);
  path = command_kit_write (&kit, "a.pipeline",
      "audiotestsrc is-live=true ! fakesink async=false\n"
      "identity ! fakesink async=false");
  process = command_kit_start (&kit, "launch", path, NULL);
  command_kit_await (process, "Running.\n");
  g_subprocess_send_signal (process, SIGTERM);
  result = command_kit_finish (process);
  g_assert_cmpint (result.status, ==, EX_SOFTWARE);
  g_assert_nonnull (strstr (result.err, "has not come through"));
}

/* --- check ------------------------------------------------------------------ */

static guint
free_port (GSocket **holder)
{
  g_autoptr (GSocketAddress) any =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;

  *holder = g_socket_new (
      G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_assert_true (g_socket_bind (*holder, any, FALSE, NULL));
  g_assert_true (g_socket_listen (*holder, NULL));
  bound = g_socket_get_local_address (*holder, NULL);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

#define N_PORTS 8

/* A configuration with ports of its own; all are held until @holders go. */
static void
configure (CommandKit *kit, GSocket *holders[N_PORTS], const char *more)
{
  guint p[N_PORTS];
  g_autofree char *text = NULL;

  for (guint i = 0; i < N_PORTS; i++)
    p[i] = free_port (&holders[i]);
  text = g_strdup_printf ("[node]\ndata-dir = state\n"
                          "[nginx]\naddress = 127.0.0.1\nport = %u\n"
                          "control-port = %u\n"
                          "[ingest]\nrtsp-address = 127.0.0.1\nrtsp-port = %u\n"
                          "rtmp-address = 127.0.0.1\nrtmp-port = %u\n"
                          "hook-port = %u\n"
                          "[origin]\nport = %u\n"
                          "[api]\nport = %u\nlog-port = %u\n%s",
      p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], more);
  command_kit_configure (kit, text);
}

static void
release (GSocket **holder)
{
  g_clear_object (holder);
}

static void
test_check (void)
{
  g_auto (CommandKit) kit = {0};
  g_auto (CommandResult) result = {0};
  g_autofree char *path = NULL;
  GSocket *holders[N_PORTS];

  command_kit_init (&kit, NULL);
  configure (&kit, holders, "");
  for (guint i = 1; i < N_PORTS; i++)
    release (&holders[i]);
  command_kit_expect (&kit, EX_UNAVAILABLE, "wrong  ", "", "check", NULL);
  release (&holders[0]);
  result = command_kit_run (&kit, "check", NULL);
  g_test_message ("%s", result.out);
  g_assert_cmpint (result.status, ==, EX_OK);
  g_assert_null (strstr (result.out, "wrong"));
  g_assert_nonnull (
      strstr (result.out, "ok     database: a private PostgreSQL"));
  g_assert_nonnull (strstr (result.out, "ok     nginx: has the module rtmp"));

  path = command_kit_write (&kit, "bad.pipeline", "fakesrc\n! nosuch");
  configure (
      &kit, holders, "[pipelines]\nhalf-life = ../bad.pipeline\ndir = x\n");
  for (guint i = 0; i < N_PORTS; i++)
    release (&holders[i]);
  command_kit_expect (&kit, EX_CONFIG, "bad.pipeline:2: no element \"nosuch\"",
      "", "check", NULL);
}

/* Two services on one port, and a folder that cannot be. */
static void
test_check_conflicts (void)
{
  g_auto (CommandKit) kit = {0};
  GSocket *holders[N_PORTS];
  g_auto (CommandResult) result = {0};
  g_autofree char *text = NULL;
  guint port;

  command_kit_init (&kit, NULL);
  port = free_port (&holders[0]);
  release (&holders[0]);
  text = g_strdup_printf (
      "[services]\ningest = false\n[database]\nurl = host=/nonexistent\n"
      "[nginx]\naddress = 127.0.0.1\nport = %u\n[api]\nport = %u\n"
      "[cache]\ndir = wishcast.conf/cache\n",
      port, port);
  command_kit_configure (&kit, text);
  result = command_kit_run (&kit, "check", NULL);
  g_assert_cmpint (result.status, ==, EX_UNAVAILABLE);
  g_assert_nonnull (strstr (result.out, "wishcast.conf:4: [database] url: "));
  g_assert_nonnull (strstr (result.out, "wishcast.conf:9: [api] port: "));
  g_assert_nonnull (strstr (result.out, "wishcast.conf:11: [cache] dir: "));
  g_assert_null (strstr (result.out, "rtsp"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/launch/" path, function)
  ADD ("to-the-end", test_launch_to_the_end);
  ADD ("errors", test_launch_errors);
  ADD ("keeps-secrets", test_launch_keeps_secrets);
  ADD ("by-name", test_launch_by_name);
  ADD ("interrupted", test_launch_interrupted);
  ADD ("interrupted-twice", test_launch_interrupted_twice);
  ADD ("deadline", test_launch_deadline);
  ADD ("check", test_check);
  ADD ("check-conflicts", test_check_conflicts);
  return g_test_run ();
}
