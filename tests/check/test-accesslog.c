/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log of the media: what its lines say, and what becomes of them. */

#include "accesslog.h"

#include <gio/gio.h>
#include <string.h>

#include "accessline.h"

#define HEADER "<190>Nov 28 21:00:00 wishcast: "
#define TRACK "/live/a/video_0/"
#define PATIENCE (20 * G_USEC_PER_SEC)

/* --- A line ----------------------------------------------------------------*/

static void
assert_line (const char *text, guint64 bytes, const char *link,
    gboolean is_watching, const char *who)
{
  AccessLine line;

  if (!access_line_parse (&line, text, strlen (text)))
    g_error ("Not taken: %s", text);
  g_assert_cmpuint (line.bytes, ==, bytes);
  g_assert_cmpstr (line.link, ==, link);
  g_assert_cmpint (line.is_watching, ==, is_watching);
  g_assert_cmpmem (line.who, line.who_length, who, strlen (who));
}

static void
test_line (void)
{
  assert_line (HEADER "200 1234 GET " TRACK "0-5.m4s 192.0.2.1 Agent/1.0", 1234,
      "a", TRUE, "192.0.2.1 Agent/1.0");
  /* With the name of the host, as nginx sends it by default. */
  assert_line ("<190>Nov 28 21:00:00 edge tag: 200 1 GET " TRACK
               "index.m3u8?_HLS_msn=7&_HLS_part=1 192.0.2.1 -",
      1, "a", TRUE, "192.0.2.1 -");
  assert_line (HEADER "206 9 GET " TRACK "0-5.0.m4s 2001:db8::1 A B (C; D)", 9,
      "a", TRUE, "2001:db8::1 A B (C; D)");
  assert_line (
      HEADER "304 180 GET " TRACK "init-0.mp4 ::1 x", 180, "a", TRUE, "::1 x");
}

/* What was sent, but to nobody who watches. */
static void
test_line_of_others (void)
{
  static const struct {
    const char *text, *link;
  } cases[] = {
      {"404 1 GET " TRACK "0-5.m4s 192.0.2.1 x", "a"},
      {"499 1 GET " TRACK "0-5.m4s 192.0.2.1 x", "a"},
      {"200 1 HEAD " TRACK "0-5.m4s 192.0.2.1 x", "a"},
      {"200 1 GETX " TRACK "0-5.m4s 192.0.2.1 x", "a"},
      {"204 1 OPTIONS " TRACK "0-5.m4s 192.0.2.1 x", "a"},
      {"200 1 GET /live/a/master.m3u8 192.0.2.1 x", "a"},
      /* The store front shows it to everybody. */
      {"200 1 GET /live/a/poster.jpg 192.0.2.1 x", "a"},
      {"200 1 GET /live/a/ 192.0.2.1 x", ""},
      {"200 1 GET / 192.0.2.1 x", ""},
      {"200 1 GET /live/../a/video_0/index.m3u8 192.0.2.1 x", ""},
      {"200 1 GET /live/a%62/video_0/index.m3u8 192.0.2.1 x", ""},
      {"200 1 GET /live/\\x22/video_0/index.m3u8 192.0.2.1 x", ""},
      {"400 1 - - 192.0.2.1 -", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strconcat (HEADER, cases[i].text, NULL);
    const char *who = strstr (text, "192.");

    assert_line (text, 1, cases[i].link, FALSE, who);
  }
}

static void
test_no_line (void)
{
  static const char *const texts[] = {"", "<", HEADER, HEADER "200",
      HEADER "200 1", HEADER "200 1 GET", HEADER "200 1 GET " TRACK "0-5.m4s",
      HEADER "200 1 GET " TRACK "0-5.m4s ", HEADER "x 1 GET / 192.0.2.1 x",
      HEADER "200 -1 GET / 192.0.2.1 x", HEADER "1000 1 GET / 192.0.2.1 x",
      HEADER "200 99999999999999999999 GET / 192.0.2.1 x",
      "200 1 GET / 192.0.2.1 x", "<190>200 1 GET / 192.0.2.1 x"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    AccessLine line;

    if (access_line_parse (&line, texts[i], strlen (texts[i])))
      g_error ("Taken: %s", texts[i]);
  }
}

/* A user agent may say anything, of other lines too. */
static void
test_hostile_agents (void)
{
  static const char *const agents[] = {"-", " ", "\\x22 \\x22",
      "x\\x0A<190>Nov 28 21:00:00 wishcast: 200 9 GET /live/b/v/0-1.m4s 1 x",
      "wishcast: 200 9 GET /live/b/v/0-1.m4s 1 x", "\xff\xfe\x80"};
  g_autofree char *huge = g_strnfill (60000, 'x');
  g_autofree char *text =
      g_strconcat (HEADER "200 1 GET " TRACK "0-5.m4s 192.0.2.1 ", huge, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (agents); i++) {
    g_autofree char *who = g_strconcat ("192.0.2.1 ", agents[i], NULL);
    g_autofree char *line =
        g_strconcat (HEADER "200 1 GET " TRACK "0-5.m4s ", who, NULL);

    assert_line (line, 1, "a", TRUE, who);
  }
  assert_line (text, 1, "a", TRUE, strstr (text, "192."));
}

static void
test_huge_uri (void)
{
  g_autofree char *huge = g_strnfill (60000, 'x');
  g_autofree char *path =
      g_strconcat (HEADER "404 1 GET /live/", huge, " 192.0.2.1 x", NULL);
  g_autofree char *query = g_strconcat (
      HEADER "200 1 GET " TRACK "index.m3u8?", huge, " 192.0.2.1 x", NULL);

  assert_line (path, 1, "", FALSE, "192.0.2.1 x");
  assert_line (query, 1, "a", TRUE, "192.0.2.1 x");
}

/* --- The port --------------------------------------------------------------*/

typedef struct {
  Viewers *viewers;
  AccessLog *log;
  GSocket *sender;
} LogTest;

static void
set_up (LogTest *test, gconstpointer address)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) to = NULL;

  test->viewers = viewers_new ();
  test->log = access_log_new (address, 0, test->viewers, &error);
  g_assert_no_error (error);
  to = g_inet_socket_address_new_from_string (
      address, access_log_get_port (test->log));
  test->sender = g_socket_new (g_socket_address_get_family (to),
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);
  g_assert_no_error (error);
  g_assert_true (g_socket_connect (test->sender, to, NULL, &error));
}

static void
tear_down (LogTest *test, gconstpointer address)
{
  access_log_free (test->log);
  viewers_free (test->viewers);
  g_object_unref (test->sender);
}

static void
send_line (LogTest *test, const char *text)
{
  g_autofree char *line = g_strconcat (HEADER, text, NULL);
  g_autoptr (GError) error = NULL;

  g_socket_send (test->sender, line, strlen (line), NULL, &error);
  g_assert_no_error (error);
}

/* Datagrams of one sender stay in order on this machine, so once the last one
 * is there, so are the others. */
static void
await_bytes (LogTest *test, guint64 bytes)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (viewers_get_bytes_here (test->viewers) != bytes) {
    if (g_get_monotonic_time () > deadline)
      g_error ("%" G_GUINT64_FORMAT " bytes",
          viewers_get_bytes_here (test->viewers));
    g_usleep (1000);
  }
}

static void
test_counts (LogTest *test, gconstpointer address)
{
  g_autoptr (GArray) list = NULL;
  const ViewerFigures *figures;

  send_line (test, "200 100 GET " TRACK "0-5.m4s 192.0.2.1 A");
  send_line (test, "200 100 GET " TRACK "0-6.m4s 192.0.2.1 A");
  send_line (test, "200 100 GET " TRACK "0-6.m4s 192.0.2.1 B");
  send_line (test, "200 100 GET " TRACK "0-6.m4s 2001:db8::1 A");
  send_line (test, "200 100 GET /live/b/poster.jpg 192.0.2.1 A");
  send_line (test, "nonsense");
  send_line (test, "404 7 GET /live/none/video_0/index.m3u8 192.0.2.1 A");
  await_bytes (test, 507);
  list = viewers_list_here (test->viewers, g_get_monotonic_time ());
  g_assert_cmpuint (list->len, ==, 1);
  figures = &g_array_index (list, ViewerFigures, 0);
  g_assert_cmpstr (figures->link, ==, "a");
  g_assert_cmpuint (figures->players, ==, 3);
  g_assert_cmpuint (figures->pages, ==, 0);
}

/* A datagram that is longer than what is looked at. */
static void
test_huge_datagram (LogTest *test, gconstpointer address)
{
  g_autofree char *huge = g_strnfill (50000, 'x');
  g_autofree char *agent =
      g_strconcat ("200 1 GET " TRACK "0-5.m4s 192.0.2.1 ", huge, NULL);
  g_autofree char *uri =
      g_strconcat ("404 1 GET /live/", huge, " 192.0.2.1 x", NULL);

  send_line (test, uri);
  send_line (test, agent);
  send_line (test, "");
  g_socket_send (test->sender, "", 0, NULL, NULL);
  await_bytes (test, 1);
  send_line (test, "200 1 GET / 192.0.2.1 x");
  await_bytes (test, 2);
  g_assert_cmpuint (
      viewers_get (test->viewers, "a", g_get_monotonic_time ()), ==, 1);
}

static void
test_port_taken (LogTest *test, gconstpointer address)
{
  guint16 port = access_log_get_port (test->log);
  g_autofree char *named = g_strdup_printf ("UDP port %u of 127.0.0.1: ", port);
  g_autoptr (GError) error = NULL;

  g_assert_null (access_log_new (address, port, test->viewers, &error));
  g_assert_true (g_str_has_prefix (error->message, named));
  g_clear_error (&error);
  g_assert_null (access_log_new ("localhost", 0, test->viewers, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/accesslog/line", test_line);
  g_test_add_func ("/accesslog/line-of-others", test_line_of_others);
  g_test_add_func ("/accesslog/no-line", test_no_line);
  g_test_add_func ("/accesslog/hostile-agents", test_hostile_agents);
  g_test_add_func ("/accesslog/huge-uri", test_huge_uri);
#define ADD(name, address, func)                                               \
  g_test_add ("/accesslog/" name, LogTest, address, set_up, func, tear_down)
  ADD ("counts", "127.0.0.1", test_counts);
  ADD ("counts-ipv6", "::1", test_counts);
  ADD ("huge-datagram", "127.0.0.1", test_huge_datagram);
  ADD ("port-taken", "127.0.0.1", test_port_taken);
  return g_test_run ();
}
