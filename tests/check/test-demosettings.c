/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <string.h>

#include "demosettings.h"
#include "serversocket.h"

static const Setting ports[] = {SETTING_NGINX_PORT, SETTING_RTMP_PORT,
    SETTING_RTSP_PORT, SETTING_ORIGIN_PORT, SETTING_API_PORT, SETTING_HOOK_PORT,
    SETTING_NGINX_CONTROL_PORT};

static void
assert_address (const char *text, const char *ip, guint port, const char *host)
{
  g_auto (DemoAddress) address = {0};
  g_autofree char *shown = NULL;

  g_assert_true (demo_address_parse (text, &address));
  g_assert_cmpstr (address.ip, ==, ip);
  g_assert_cmpuint (address.port, ==, port);
  shown = demo_address_get_host (&address);
  g_assert_cmpstr (shown, ==, host);
}

static void
test_demosettings_address (void)
{
  static const char *const wrong[] = {"", ":", "8080", ":8080", "127.0.0.1",
      "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1",
      "127.0.0.1: 80", "127.0.0.1:80x", "localhost:8080", "256.0.0.1:80",
      "::1:8080", "[::1]", "[]:8080", "[127.0.0.1]:8080", "[::1:8080",
      "http://127.0.0.1:8080"};

  assert_address ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1");
  assert_address ("0.0.0.0:1", "0.0.0.0", 1, "127.0.0.1");
  assert_address ("[::1]:65535", "::1", 65535, "[::1]");
  assert_address ("[::]:80", "::", 80, "[::1]");
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_auto (DemoAddress) address = {0};

    g_assert_false (demo_address_parse (wrong[i], &address));
  }
}

static Settings *
make (const DemoAddress *address, GError **error)
{
  const DemoParts parts = {
      .folder = "/tmp/a \\folder",
      .database = "host='/a b' port=1",
      .token_file = "/tmp/a \\folder/token",
      .webhook_url = "http://127.0.0.1:8090/webhook",
      .secret_file = "/tmp/a \\folder/secret",
  };

  return demo_settings_new (address, &parts, error);
}

static void
test_demosettings_node (void)
{
  g_auto (DemoAddress) address = {0};
  g_autoptr (GError) error = NULL;
  g_autoptr (Settings) settings = NULL;
  g_autofree char *url = NULL;

  address.ip = g_strdup ("127.0.0.1");
  settings = make (&address, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (settings_get_string (settings, SETTING_NODE_DATA_DIR), ==,
      "/tmp/a \\folder/node");
  g_assert_cmpstr (settings_get_string (settings, SETTING_DATABASE_URL), ==,
      "host='/a b' port=1");
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_API_OPERATOR_TOKEN_FILE), ==,
      "/tmp/a \\folder/token");
  g_assert_cmpstr (settings_get_string (settings, SETTING_NOTIFY_WEBHOOK_URL),
      ==, "http://127.0.0.1:8090/webhook");
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_NOTIFY_WEBHOOK_SECRET_FILE), ==,
      "/tmp/a \\folder/secret");
  g_assert_nonnull (strstr (settings_get_notice (settings, "ru"), "{link}"));
  url = g_strdup_printf (
      "http://127.0.0.1:%u", settings_get_uint (settings, SETTING_NGINX_PORT));
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_WWW_PUBLIC_URL), ==, url);
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_RTMP_ADDRESS), ==, "127.0.0.1");
  g_assert_cmpstr (
      settings_get_string (settings, SETTING_RTSP_ADDRESS), ==, "127.0.0.1");
}

/* What the first settings name is taken, and the second ones are others; nor is
 * any of them there twice. */
static void
test_demosettings_ports (void)
{
  g_auto (DemoAddress) address = {0};
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sockets =
      g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);

  address.ip = g_strdup ("127.0.0.1");
  for (guint round = 0; round < 2; round++) {
    g_autoptr (Settings) settings = make (&address, &error);

    g_assert_no_error (error);
    for (guint i = 0; i < G_N_ELEMENTS (ports); i++) {
      guint16 port = (guint16)settings_get_uint (settings, ports[i]);

      g_assert_true (g_hash_table_add (taken, GUINT_TO_POINTER (port)));
      g_ptr_array_add (
          sockets, server_socket_listen ("127.0.0.1", &port, &error));
      g_assert_no_error (error);
    }
  }
}

/* One that was asked for is that one or none. */
static void
test_demosettings_port_taken (void)
{
  g_auto (DemoAddress) address = {0};
  g_autoptr (GError) error = NULL;
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *place = NULL;

  address.ip = g_strdup ("127.0.0.1");
  socket = server_socket_listen ("127.0.0.1", &address.port, &error);
  g_assert_no_error (error);
  g_assert_false (demo_address_check (&address, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  place = g_strdup_printf ("Port %u of 127.0.0.1: ", address.port);
  g_assert_true (g_str_has_prefix (error->message, place));
  g_clear_error (&error);

  g_socket_close (socket, NULL);
  g_assert_true (demo_address_check (&address, &error));
  settings = make (&address, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (
      settings_get_uint (settings, SETTING_NGINX_PORT), ==, address.port);
}

/* That no port of it is free would be the wrong thing to tell. */
static void
test_demosettings_not_ours (void)
{
  g_auto (DemoAddress) address = {0};
  g_autoptr (GError) error = NULL;

  address.ip = g_strdup ("192.0.2.1"); /* for documentation, RFC 5737 */
  g_assert_false (demo_address_check (&address, &error));
  g_assert_false (
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE));
  g_clear_error (&error);
  g_assert_null (make (&address, &error));
  g_assert_nonnull (error);
  g_assert_null (strstr (error->message, "is free"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/demosettings/address", test_demosettings_address);
  g_test_add_func ("/demosettings/node", test_demosettings_node);
  g_test_add_func ("/demosettings/ports", test_demosettings_ports);
  g_test_add_func ("/demosettings/port-taken", test_demosettings_port_taken);
  g_test_add_func ("/demosettings/not-ours", test_demosettings_not_ours);
  return g_test_run ();
}
