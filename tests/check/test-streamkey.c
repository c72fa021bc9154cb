/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "streamkey.h"

static void
test_stream_key_round_trip (void)
{
  StreamKey made, parsed;

  stream_key_new (&made);
  g_assert_cmpuint (strlen (made.text), ==, STREAM_KEY_LENGTH);
  g_assert_true (stream_key_parse (&parsed, made.text));
  g_assert_cmpstr (parsed.id, ==, made.id);
  g_assert_true (stream_key_hash_equal (parsed.hash, made.hash));
  stream_key_clear (&parsed);
  g_assert_cmpstr (parsed.text, ==, "");
}

static void
test_stream_key_differs (void)
{
  StreamKey a, b, typo;
  char text[STREAM_KEY_LENGTH + 1];

  stream_key_new (&a);
  stream_key_new (&b);
  g_assert_cmpstr (a.text, !=, b.text);
  memcpy (text, a.text, sizeof text);
  text[STREAM_KEY_LENGTH - 1] = text[STREAM_KEY_LENGTH - 1] == 'a' ? 'b' : 'a';
  g_assert_true (stream_key_parse (&typo, text));
  g_assert_cmpstr (typo.id, ==, a.id);
  g_assert_false (stream_key_hash_equal (typo.hash, a.hash));
}

static void
test_stream_key_refuses (void)
{
  static const char *const bad[] = {
      "",
      "-",
      "abcdefgh",
      "abcdefgh-",
      "abcdefgh-abcdefghijklmnopqrstuvwxy",
      "abcdefgh-abcdefghijklmnopqrstuvwxyzz",
      "ABCDEFGH-abcdefghijklmnopqrstuvwxyz",
      "abcdefgh_abcdefghijklmnopqrstuvwxyz",
      "abcdefgh-abcdefghijklmnopqrstuvwxy1",
  };
  StreamKey key;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (stream_key_parse (&key, bad[i]));
  g_assert_true (
      stream_key_parse (&key, "abcdefgh-abcdefghijklmnopqrstuvwxyz"));
}

static void
test_stream_key_redact (void)
{
  char buffer[STREAM_KEY_ID_LENGTH + 1];

  g_assert_cmpstr (
      stream_key_redact ("abcdefgh-secret", buffer), ==, "abcdefgh");
  g_assert_cmpstr (stream_key_redact ("abcdefgh", buffer), ==, "-");
  g_assert_cmpstr (stream_key_redact ("secret", buffer), ==, "-");
  g_assert_cmpstr (stream_key_redact ("", buffer), ==, "-");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/streamkey/round-trip", test_stream_key_round_trip);
  g_test_add_func ("/streamkey/differs", test_stream_key_differs);
  g_test_add_func ("/streamkey/refuses", test_stream_key_refuses);
  g_test_add_func ("/streamkey/redact", test_stream_key_redact);
  return g_test_run ();
}
