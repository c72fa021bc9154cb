/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "filename.h"

#include <string.h>

#define DATE "2026-11-29"
#define DASH " \xe2\x80\x93 "

static void
assert_name (const char *game, const char *title, const char *expected)
{
  g_autofree char *name = recording_filename_new (game, title, DATE, 0);
  g_autofree char *whole = g_strdup_printf ("%s" DASH DATE ".mp4", expected);

  g_assert_cmpstr (name, ==, whole);
}

static void
test_name (void)
{
  g_autofree char *part = recording_filename_new ("Portal", "", DATE, 2);

  assert_name ("Half-Life", "Speedrun", "Half-Life" DASH "Speedrun");
  assert_name ("Portal", "", "Portal");
  assert_name ("Portal", " Portal", "Portal");
  assert_name ("Тетрис", "Ёлка", "Тетрис" DASH "Ёлка");
  assert_name ("G", "👩‍🚀 in 100 %", "G" DASH "👩‍🚀 in 100 %");
  g_assert_cmpstr (part, ==, "Portal" DASH DATE DASH "2.mp4");
}

/* What no system must take for anything else than a name. */
static void
test_hostile (void)
{
  assert_name ("../../etc/passwd", "C:\\x", "etc_passwd" DASH "C__x");
  assert_name ("a/b\\c:d*e?f\"g<h>i|j", "", "a_b_c_d_e_f_g_h_i_j");
  assert_name (".hidden", "~x", "hidden" DASH "x");
  assert_name ("-rf", "- -", "rf");
  assert_name ("x.", "y. . ", "x" DASH "y");
  assert_name ("a\r\nSet-Cookie: b", "\t\x7f", "a Set-Cookie_ b");
  /* Turned round: what is "gpj.exe" would be read as "exe.jpg". */
  assert_name ("a\xe2\x80\xae"
               "b\xe2\x81\xa6",
      "\xef\xbb\xbf", "ab");
  assert_name ("\xef\xbf\xbf", "\xc2\x85", "Broadcast");
  assert_name ("x \xe2\x80\xa8\xc2\xa0\xe3\x80\x80 y", "", "x y");
  /* Not UTF-8. */
  assert_name ("a\xff", "", "a\xef\xbf\xbd");
  /* Decomposed, as some keyboards write it. */
  assert_name ("e\xcc\x81", "", "\xc3\xa9");
}

static void
test_devices (void)
{
  assert_name ("CON.x", "", "_CON.x");
  assert_name ("nul .y", "z", "_nul .y" DASH "z");
  assert_name ("com\xc2\xb9.", "a.b", "com\xc2\xb9" DASH "a.b");
  assert_name ("LPT9.b", "", "_LPT9.b");
  assert_name ("Contra", "", "Contra");
  assert_name ("CON", "", "CON");
}

static void
test_long (void)
{
  g_autofree char *ascii = g_strnfill (500, 'x');
  g_autofree char *long_name =
      recording_filename_new (ascii, ascii, ascii, G_MAXUINT);
  g_autoptr (GString) accents = g_string_new ("ab");
  g_autofree char *name = NULL;

  g_assert_cmpuint (strlen (long_name), <=, RECORDING_FILENAME_MAX);
  g_assert_true (g_str_has_suffix (long_name, ".mp4"));
  /* No letter is parted from its accents. */
  for (guint i = 0; i < 200; i++)
    g_string_append (accents, "\xcc\xa3");
  name = recording_filename_new (accents->str, "", DATE, 0);
  g_assert_cmpstr (name, ==, "a" DASH DATE ".mp4");
  for (guint i = 0; i < 200; i++)
    g_string_prepend (accents, "\xd0\x96");
  g_clear_pointer (&name, g_free);
  name = recording_filename_new (accents->str, accents->str, DATE, 0);
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_cmpuint (strlen (name), <=, RECORDING_FILENAME_MAX);
}

static void
assert_disposition (const char *filename, const char *expected)
{
  g_autofree char *value = recording_disposition_new (filename, FALSE);

  g_assert_cmpstr (value, ==, expected);
}

static void
test_disposition (void)
{
  g_autofree char *value = recording_disposition_new ("a.mp4", TRUE);

  g_assert_cmpstr (
      value, ==, "inline; filename=\"a.mp4\"; filename*=UTF-8''a.mp4");
  assert_disposition ("Half-Life" DASH "x.mp4",
      "attachment; filename=\"Half-Life - x.mp4\"; "
      "filename*=UTF-8''Half-Life%20%E2%80%93%20x.mp4");
  assert_disposition ("50%41 'a'(b)@;=,.mp4",
      "attachment; filename=\"50_41 'a'(b)___,.mp4\"; "
      "filename*=UTF-8''50%2541%20%27a%27%28b%29%40%3B%3D%2C.mp4");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/filename/name", test_name);
  g_test_add_func ("/filename/hostile", test_hostile);
  g_test_add_func ("/filename/devices", test_devices);
  g_test_add_func ("/filename/long", test_long);
  g_test_add_func ("/filename/disposition", test_disposition);
  return g_test_run ();
}
