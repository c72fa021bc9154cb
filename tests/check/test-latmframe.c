/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "latmframe.h"

static void
test_latm_frame_prefix (void)
{
  guint8 frame[304] = {0xff, 0x2f, 0xde, 0x02};

  g_assert_cmpuint (latm_frame_get_prefix (frame, 304), ==, 2);
  g_assert_cmpuint (latm_frame_get_prefix (frame, 303), ==, 0);
  /* A frame without one. */
  g_assert_cmpuint (latm_frame_get_prefix (frame + 2, 302), ==, 0);
  frame[0] = 99;
  g_assert_cmpuint (latm_frame_get_prefix (frame, 100), ==, 1);
  g_assert_cmpuint (latm_frame_get_prefix (frame, 101), ==, 0);
}

static void
test_latm_frame_odd (void)
{
  static const guint8 cut[] = {255, 255};
  static const guint8 empty[] = {0};

  g_assert_cmpuint (latm_frame_get_prefix (cut, 0), ==, 0);
  g_assert_cmpuint (latm_frame_get_prefix (cut, 2), ==, 0);
  g_assert_cmpuint (latm_frame_get_prefix (empty, 1), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/latmframe/prefix", test_latm_frame_prefix);
  g_test_add_func ("/latmframe/odd", test_latm_frame_odd);
  return g_test_run ();
}
