/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "nginxconfig.h"
#include "privatenginx.h"
#include "rtmpkit.h"

/* --- The configuration --------------------------------------------------- */

static const char TEMPLATE[] = "# @begin RTMP@\n"
                               "load;\n"
                               "# @end RTMP@\n"
                               "@USER@\n"
                               "  # @begin LIVE@\n"
                               "  @ORIGIN@ @MEDIA_LOG@;\n"
                               "  # @end LIVE@\n"
                               "listen @LISTEN@; root \"@WWW@\";\n"
                               "from 'self'@CLOUD@;\n"
                               "  # @begin API@\n"
                               "@API@;\n"
                               "  # @end API@\n"
                               "# @begin RTMP@\n"
                               "rtmp @RTMP_LISTEN@ @HOOK@ @CONTROL_PORT@;\n"
                               "# @end RTMP@\n";

static void
test_config (void)
{
  PrivateNginxSettings settings = {
      .template = "t.in", .www = "/srv/a@b", .address = "::1", .port = 80};
  g_autoptr (GError) error = NULL;
  g_autofree char *least =
      nginx_config_fill (TEMPLATE, &settings, "user x;", &error);
  g_autofree char *most = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (least, ==,
      "user x;\nlisten [::1]:80; root \"/srv/a@b\";\nfrom 'self';\n");

  settings.address = "127.0.0.1";
  settings.origin = "127.0.0.1:1";
  settings.api = "127.0.0.1:2";
  settings.hook = "127.0.0.1:3";
  settings.control_port = 4;
  settings.rtmp_address = "0.0.0.0";
  settings.rtmp_port = 1935;
  most = nginx_config_fill (TEMPLATE, &settings, "user x;", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (most, ==,
      "load;\nuser x;\n  127.0.0.1:1 off;\n"
      "listen 127.0.0.1:80; root \"/srv/a@b\";\nfrom 'self';\n"
      "127.0.0.1:2;\n"
      "rtmp 0.0.0.0:1935 127.0.0.1:3 4;\n");

  g_free (most);
  settings.rtmp_address = "::";
  settings.media_log = "127.0.0.1:5";
  settings.cloud = "https://cloud.example";
  most = nginx_config_fill (TEMPLATE, &settings, "user x;", &error);
  g_assert_nonnull (
      strstr (most, "rtmp [::]:1935; listen 127.0.0.1:1935 127.0.0.1:3"));
  g_assert_nonnull (strstr (
      most, " syslog:server=127.0.0.1:5,nohostname,tag=wishcast viewers;\n"));
  g_assert_nonnull (strstr (most, "from 'self' https://cloud.example;\n"));
}

static void
test_config_errors (void)
{
  const char *wrong[] = {"@NOTHING@", "a @ b", "@ORIGIN@", "@USER"};
  PrivateNginxSettings settings = {
      .template = "t.in", .www = "/srv", .address = "127.0.0.1"};
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_assert_null (nginx_config_fill (wrong[i], &settings, "", &error));
    g_assert_true (g_str_has_prefix (error->message, "t.in: "));
    g_clear_error (&error);
  }
  settings.www = "/srv/\"; evil";
  g_assert_null (nginx_config_fill (TEMPLATE, &settings, "", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
}

static void
test_reason (void)
{
  g_autofree char *none = nginx_config_find_reason ("1 [warn] 2#3: a\nx\n");
  g_autofree char *reason = nginx_config_find_reason (
      "2026/01/01 00:00:00 [emerg] 12#13: bind() to 0.0.0.0:80 failed\n"
      "2026/01/01 00:00:00 [notice] 12#13: try again to bind()\n"
      "2026/01/01 00:00:01 [emerg] 12#13: bind() to 0.0.0.0:80 failed\n"
      "2026/01/01 00:00:01 [emerg] 12#13: no \"x\" in y:3\n"
      "2026/01/01 00:00:01 [emerg] 12#13: still could not bind()\n"
      "[emerg]\n[emerg] ");

  g_assert_null (none);
  g_assert_cmpstr (reason, ==, "bind() to 0.0.0.0:80 failed; no \"x\" in y:3");
}

/* --- The server ---------------------------------------------------------- */

static char *
get (guint16 port, const char *path)
{
  g_autofree char *url =
      g_strdup_printf ("http://127.0.0.1:%u%s", (guint)port, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) curl = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "curl", "--silent", "--max-time",
      "10", "--output", "/dev/null", "--write-out", "%{http_code}", url, NULL);
  char *status;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (curl, NULL, NULL, &status, NULL, NULL);
  return status;
}

static void
assert_status (guint16 port, const char *path, const char *expected)
{
  g_autofree char *status = get (port, path);

  g_assert_cmpstr (status, ==, expected);
}

static void
test_serves (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  g_autofree char *prefix = g_build_filename (node->dir, "nginx", NULL);
  GStatBuf info;

  assert_status (node->http_port, "/", "200");
  assert_status (node->http_port, "/watch/somebody", "200");
  assert_status (node->http_port, "/player.js", "200");
  assert_status (node->http_port, "/nothing", "404");
  /* Services that this node does not have. */
  assert_status (node->http_port, "/api/v1/broadcasts", "404");
  assert_status (node->http_port, "/control/drop/publisher", "404");
  assert_status (node->control_port, "/", "404");
  assert_status (node->control_port,
      "/control/drop/publisher?app=live&name=nobody", "200");
  g_assert_cmpint (g_stat (prefix, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0700);
}

static void
test_port_taken (void)
{
  const char *data = g_getenv ("NGINX_DIR");
  g_autofree char *template = g_build_filename (data, "node.conf.in", NULL);
  g_autofree char *www = g_build_filename (data, "..", "www", NULL);
  g_autofree char *dir = g_dir_make_tmp ("nginx-XXXXXX", NULL);
  g_autoptr (GSocketListener) holder = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (holder, NULL, NULL);
  g_autofree char *named = g_strdup_printf (":%u ", (guint)port);
  PrivateNginxSettings settings = {.template = template,
      .prefix = dir,
      .www = www,
      .address = "127.0.0.1",
      .port = port};
  g_autoptr (GError) error = NULL;

  g_assert_null (private_nginx_start (&settings, &error));
  g_assert_nonnull (strstr (error->message, named));
  g_assert_nonnull (strstr (error->message, "Address already in use"));
  g_clear_error (&error);

  settings.template = "/nowhere/node.conf.in";
  g_assert_null (private_nginx_start (&settings, &error));
  g_assert_nonnull (strstr (error->message, "/nowhere/node.conf.in"));
  kit_remove (dir);
}

/* --- Its life ------------------------------------------------------------ */

/* Only the master: its workers stay behind, with the ports. */
static void
test_killed (void)
{
  g_autoptr (RtmpNode) node = rtmp_node_new ();
  int pid = rtmp_node_get_nginx_pid (node, 0);

  for (guint i = 0; i < 5; i++) {
    g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
    pid = rtmp_node_get_nginx_pid (node, pid);
    assert_status (node->http_port, "/", "200");
  }
}

typedef struct {
  char *dir, *prefix;
  guint16 port;
  GSubprocess *process;
} Child;

static void
child_start (Child *child, const char *uid)
{
  g_autofree char *port = g_strdup_printf ("%u", (guint)child->port);
  g_autoptr (GError) error = NULL;
  char byte;

  child->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
      g_getenv ("NGINX_CHILD"), g_getenv ("NGINX_DIR"), child->prefix, port,
      uid, NULL);
  g_assert_no_error (error);
  g_assert_cmpint (
      g_input_stream_read (
          g_subprocess_get_stdout_pipe (child->process), &byte, 1, NULL, NULL),
      ==, 1);
  assert_status (child->port, "/", "200");
}

static gboolean
is_free (gpointer data)
{
  return !kit_is_listening (((Child *)data)->port);
}

static void
child_init (Child *child)
{
  child->dir = g_dir_make_tmp ("nginx-XXXXXX", NULL);
  child->prefix = g_build_filename (child->dir, "nginx", NULL);
  child->port = kit_free_port ();
}

static void
child_clear (Child *child)
{
  kit_remove (child->dir);
  g_free (child->dir);
  g_free (child->prefix);
}

static void
test_dies_with_us (void)
{
  Child child;

  child_init (&child);
  child_start (&child, NULL);
  kit_kill (child.process, SIGKILL);
  kit_until ("nginx has ended", is_free, &child);
  child_clear (&child);
}

/* Us and the master at the same time: the next start finds its workers. Ours is
 * stopped first, so that it does not end them itself. */
static void
test_takes_over (void)
{
  g_autofree char *pid_file = NULL, *text = NULL;
  Child child;
  pid_t master;

  child_init (&child);
  child_start (&child, NULL);
  pid_file = g_build_filename (child.prefix, "nginx.pid", NULL);
  g_assert_true (g_file_get_contents (pid_file, &text, NULL, NULL));
  master = (pid_t)atoi (text);
  kit_stop (child.process);
  g_assert_cmpint (kill (master, SIGKILL), ==, 0);
  kit_kill (child.process, SIGKILL);
  g_assert_true (kit_is_listening (child.port));

  child_start (&child, NULL);
  kit_kill (child.process, SIGKILL);
  kit_until ("nginx has ended", is_free, &child);
  child_clear (&child);
}

static void
test_as_user (void)
{
  Child child;

  if (geteuid () != 0) {
    g_test_skip ("Needs root; the others have shown it");
    return;
  }
  child_init (&child);
  g_assert_cmpint (chown (child.dir, 65534, 65534), ==, 0);
  child_start (&child, "65534");
  kit_kill (child.process, SIGKILL);
  kit_until ("nginx has ended", is_free, &child);
  child_clear (&child);
}

/* Workers of root's nginx are nobody special. */
static void
test_pages_out_of_reach (void)
{
  g_autofree char *template =
      g_build_filename (g_getenv ("NGINX_DIR"), "node.conf.in", NULL);
  g_autofree char *dir = g_dir_make_tmp ("nginx-XXXXXX", NULL);
  g_autofree char *www = g_build_filename (dir, "www", NULL);
  PrivateNginxSettings settings = {.template = template,
      .prefix = dir,
      .www = www,
      .address = "127.0.0.1",
      .port = kit_free_port ()};
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0) {
    g_test_skip ("Needs root");
    kit_remove (dir);
    return;
  }
  g_assert_cmpint (g_mkdir (www, 0755), ==, 0);
  g_assert_null (private_nginx_start (&settings, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_nonnull (strstr (error->message, dir));
  kit_remove (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/privatenginx/config", test_config);
  g_test_add_func ("/privatenginx/config-errors", test_config_errors);
  g_test_add_func ("/privatenginx/reason", test_reason);
  g_test_add_func ("/privatenginx/serves", test_serves);
  g_test_add_func ("/privatenginx/port-taken", test_port_taken);
  g_test_add_func ("/privatenginx/killed", test_killed);
  g_test_add_func ("/privatenginx/dies-with-us", test_dies_with_us);
  g_test_add_func ("/privatenginx/takes-over", test_takes_over);
  g_test_add_func ("/privatenginx/as-user", test_as_user);
  g_test_add_func ("/privatenginx/pages-out-of-reach", test_pages_out_of_reach);
  return g_test_run ();
}
