/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demosettings.h"

#include <gio/gio.h>
#include <string.h>

#include "settingstable.h"

#define LOOPBACK "127.0.0.1"
/* How many ports are looked at, from the usual one on. */
#define MOST_LOOKS 200

/* The ports of a node. Each is the usual one, or the next that is free. */
static const struct {
  Setting setting;
  gboolean is_public; /* on the demo's address; else on LOOPBACK alone */
  GSocketType type;
} ports[] = {
    {SETTING_NGINX_PORT, TRUE, G_SOCKET_TYPE_STREAM},
    {SETTING_RTMP_PORT, TRUE, G_SOCKET_TYPE_STREAM},
    {SETTING_RTSP_PORT, TRUE, G_SOCKET_TYPE_STREAM},
    {SETTING_ORIGIN_PORT, FALSE, G_SOCKET_TYPE_STREAM},
    {SETTING_API_PORT, FALSE, G_SOCKET_TYPE_STREAM},
    {SETTING_API_LOG_PORT, FALSE, G_SOCKET_TYPE_DATAGRAM},
    {SETTING_HOOK_PORT, FALSE, G_SOCKET_TYPE_STREAM},
    {SETTING_NGINX_CONTROL_PORT, FALSE, G_SOCKET_TYPE_STREAM},
};

/* Who has another language gets the default. */
static const struct {
  const char *language, *text;
} notices[] = {
    {"ar", "بدأ بث لعبة {game}. مرحبًا {username}، شاهده معنا: {link}"},
    {"de", "{game} ist auf Sendung. {username}, sei dabei: {link}"},
    {"ru", "Началась трансляция игры {game}. {username}, смотрите вместе с "
           "нами: {link}"},
};

/* --- the address ---------------------------------------------------------- */

static char *
take_ip (const char *text, gsize length)
{
  gboolean has_brackets =
      length > 2 && text[0] == '[' && text[length - 1] == ']';
  g_autofree char *ip = has_brackets ? g_strndup (text + 1, length - 2)
                                     : g_strndup (text, length);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (ip);

  if (address == NULL || (g_inet_address_get_family (address) ==
                             G_SOCKET_FAMILY_IPV6) != has_brackets)
    return NULL;
  return g_steal_pointer (&ip);
}

gboolean
demo_address_parse (const char *text, DemoAddress *address)
{
  const char *colon = strrchr (text, ':');
  guint64 port;

  *address = (DemoAddress){0};
  if (colon == NULL ||
      !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  address->ip = take_ip (text, colon - text);
  address->port = (guint16)port;
  return address->ip != NULL;
}

void
demo_address_clear (DemoAddress *address)
{
  g_clear_pointer (&address->ip, g_free);
}

char *
demo_address_get_host (const DemoAddress *address)
{
  g_autoptr (GInetAddress) ip = g_inet_address_new_from_string (address->ip);

  if (g_inet_address_get_family (ip) == G_SOCKET_FAMILY_IPV6)
    return g_strdup_printf (
        "[%s]", g_inet_address_get_is_any (ip) ? "::1" : address->ip);
  return g_strdup (g_inet_address_get_is_any (ip) ? LOOPBACK : address->ip);
}

/* --- ports ---------------------------------------------------------------- */

/* What happens until the port is taken is the taker's to find out. */
static gboolean
can_listen (const char *ip, guint16 port, GSocketType type, GError **error)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (ip, port);
  g_autoptr (GSocket) socket =
      g_socket_new (g_socket_address_get_family (address), type,
          G_SOCKET_PROTOCOL_DEFAULT, error);

  /* Two of UDP may have a port at once, if both say so. */
  if (socket != NULL &&
      g_socket_bind (socket, address, type == G_SOCKET_TYPE_STREAM, error) &&
      (type == G_SOCKET_TYPE_DATAGRAM || g_socket_listen (socket, error)))
    return TRUE;
  g_prefix_error (error, "Port %u of %s: ", port, ip);
  return FALSE;
}

gboolean
demo_address_check (const DemoAddress *address, GError **error)
{
  return can_listen (address->ip, address->port, G_SOCKET_TYPE_STREAM, error);
}

/* nginx pulls the streams from LOOPBACK, so a public port is one on both. */
static gboolean
is_free (const char *ip, guint16 port, GSocketType type, GError **error)
{
  return can_listen (ip, port, type, error) &&
         (strcmp (ip, LOOPBACK) == 0 || strcmp (ip, "0.0.0.0") == 0 ||
             can_listen (LOOPBACK, port, type, error));
}

/* For ports[@row]. @taken: those that were found before. 0 and @error: there is
 * none. */
static guint16
find_port (guint row, const char *ip, const guint16 *taken, GError **error)
{
  guint64 usual =
      g_ascii_strtoull (settings_table[ports[row].setting].standard, NULL, 10);

  for (guint64 port = usual; port < usual + MOST_LOOKS; port++) {
    g_autoptr (GError) why = NULL;
    gboolean is_ours = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
      is_ours |= taken[i] == port;
    if (is_ours)
      continue;
    if (is_free (ip, (guint16)port, ports[row].type, &why))
      return (guint16)port;
    if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
      g_propagate_error (error, g_steal_pointer (&why));
      return 0;
    }
  }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
      "No port of %s is free from %" G_GUINT64_FORMAT " on", ip, usual);
  return 0;
}

/* --- the settings --------------------------------------------------------- */

static void
set (GKeyFile *file, Setting setting, const char *value)
{
  const SettingRow *row = &settings_table[setting];

  g_key_file_set_string (file, row->group, row->key, value);
}

static void
set_port (GKeyFile *file, Setting setting, guint16 port)
{
  const SettingRow *row = &settings_table[setting];

  g_key_file_set_integer (file, row->group, row->key, port);
}

static gboolean
set_ports (GKeyFile *file, const DemoAddress *address, GError **error)
{
  guint16 found[G_N_ELEMENTS (ports)] = {address->port};

  for (guint i = address->port != 0 ? 1 : 0; i < G_N_ELEMENTS (ports); i++) {
    found[i] = find_port (
        i, ports[i].is_public ? address->ip : LOOPBACK, found, error);
    if (found[i] == 0)
      return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
    set_port (file, ports[i].setting, found[i]);
  return TRUE;
}

/* Paced, so that one sees them arrive. */
static void
set_notices (GKeyFile *file, const DemoParts *parts)
{
  set (file, SETTING_NOTIFY_WEBHOOK_URL, parts->webhook_url);
  set (file, SETTING_NOTIFY_WEBHOOK_SECRET_FILE, parts->secret_file);
  set (file, SETTING_NOTIFY_WEBHOOK_BATCH, "20");
  set (file, SETTING_NOTIFY_MAX_RATE, "200");
  set (file, SETTING_NOTIFY_AFTER, "5 s");
  for (guint i = 0; i < G_N_ELEMENTS (notices); i++)
    g_key_file_set_string (file, settings_table[SETTING_NOTICE_TEXT].group,
        notices[i].language, notices[i].text);
}

Settings *
demo_settings_new (
    const DemoAddress *address, const DemoParts *parts, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *data_dir = g_build_filename (parts->folder, "node", NULL);
  g_autofree char *host = demo_address_get_host (address);
  g_autofree char *port = NULL, *url = NULL, *text = NULL;
  gsize length;

  if (!set_ports (file, address, error))
    return NULL;
  port = g_key_file_get_string (file, "nginx", "port", NULL);
  url = g_strdup_printf ("http://%s:%s", host, port);
  set (file, SETTING_NODE_NAME, "demo");
  set (file, SETTING_NODE_DATA_DIR, data_dir);
  set (file, SETTING_DATABASE_URL, parts->database);
  set (file, SETTING_NGINX_ADDRESS, address->ip);
  if (parts->www != NULL)
    set (file, SETTING_WWW_DIR, parts->www);
  set (file, SETTING_WWW_PUBLIC_URL, url);
  set (file, SETTING_RTMP_ADDRESS, address->ip);
  set (file, SETTING_RTSP_ADDRESS, address->ip);
  set (file, SETTING_API_OPERATOR_TOKEN_FILE, parts->token_file);
  set_notices (file, parts);
  text = g_key_file_to_data (file, &length, NULL);
  return settings_parse ("the demo's settings", text, length, error);
}
