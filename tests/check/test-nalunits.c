/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nalunits.h"

#include <string.h>

/* Appends a unit of @size bytes whose first is @head. */
static void
put (GByteArray *bytes, guint length_size, guint8 head, guint size)
{
  guint8 unit[64] = {head};
  guint8 length[4] = {size >> 24, size >> 16, size >> 8, size};

  memset (unit + 1, 0xa5, sizeof (unit) - 1);
  g_byte_array_append (bytes, length + 4 - length_size, length_size);
  g_byte_array_append (bytes, unit, size);
}

static void
test_types (void)
{
  for (guint type = 0; type < 64; type++) {
    for (guint h265 = 0; h265 < 2; h265++) {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      gboolean key, set, picture;
      NalSummary summary;

      if (!h265 && type > 31)
        continue;
      key = h265 ? type >= 16 && type <= 23 : type == 5;
      set = h265 ? type >= 32 && type <= 34
                 : type == 7 || type == 8 || type == 13;
      picture = h265 ? type < 32 : type >= 1 && type <= 5;
      put (bytes, 4, h265 ? type << 1 : type | 0x60, 9);
      g_assert_cmpint (
          nal_units_inspect (bytes->data, bytes->len, h265, 4, &summary), ==,
          picture);
      g_assert_cmpint (summary.key, ==, key);
      g_assert_cmpuint (summary.stripped_size, ==, set ? 0 : 13);
    }
  }
}

/* SPS, PPS, SEI, IDR, P: the parameter sets go, the rest stays in order. */
static void
test_strip (void)
{
  static const guint sizes[] = {1, 2, 4};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    g_autoptr (GByteArray) expected = g_byte_array_new ();
    guint8 stripped[128];
    NalSummary summary;

    put (bytes, sizes[i], 0x67, 20);
    put (bytes, sizes[i], 0x06, 5);
    put (expected, sizes[i], 0x06, 5);
    put (bytes, sizes[i], 0x68, 4);
    put (bytes, sizes[i], 0x65, 30);
    put (expected, sizes[i], 0x65, 30);
    put (bytes, sizes[i], 0x41, 1);
    put (expected, sizes[i], 0x41, 1);

    g_assert_true (
        nal_units_inspect (bytes->data, bytes->len, FALSE, sizes[i], &summary));
    g_assert_true (summary.key);
    g_assert_cmpuint (summary.stripped_size, ==, expected->len);
    g_assert_cmpuint (nal_units_copy_stripped (
                          stripped, bytes->data, bytes->len, FALSE, sizes[i]),
        ==, expected->len);
    g_assert_cmpmem (stripped, expected->len, expected->data, expected->len);
  }
}

/* Cut off anywhere but between two units, it is malformed; never is more read
 * than is there (ASan watches), nor more written than was announced. */
static void
test_truncated (void)
{
  static const guint sizes[] = {1, 2, 4};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    guint ends[3];

    put (bytes, sizes[i], 0x65, 10);
    ends[0] = bytes->len;
    put (bytes, sizes[i], 0x67, 8);
    ends[1] = bytes->len;
    put (bytes, sizes[i], 0x41, 3);
    ends[2] = bytes->len;
    for (guint n = 0; n <= bytes->len; n++) {
      g_autofree guint8 *cut = g_memdup2 (bytes->data, n);
      g_autofree guint8 *stripped = NULL;
      gboolean whole = n == ends[0] || n == ends[1] || n == ends[2];
      NalSummary summary;

      g_assert_cmpint (
          nal_units_inspect (cut, n, FALSE, sizes[i], &summary), ==, whole);
      stripped = g_malloc (MAX (summary.stripped_size, 1));
      g_assert_cmpuint (
          nal_units_copy_stripped (stripped, cut, n, FALSE, sizes[i]), ==,
          summary.stripped_size);
    }
  }
}

static void
test_absurd_lengths (void)
{
  static const guint8 cases[][8] = {
      {0, 0, 0, 0, 0x65, 0, 0, 0},
      {0xff, 0xff, 0xff, 0xff, 0x65, 0, 0, 0},
      {0x80, 0, 0, 4, 0x65, 0, 0, 0},
      {0, 0, 0, 5, 0x65, 0, 0, 0},
      {0, 0, 0, 1, 0x65, 0, 0, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    NalSummary summary;

    g_assert_false (
        nal_units_inspect (cases[i], sizeof (cases[i]), FALSE, 4, &summary));
  }
}

/* A frame without a picture would stop a decoder. */
static void
test_no_picture (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  NalSummary summary;

  put (bytes, 4, 0x09, 2);
  put (bytes, 4, 0x06, 9);
  g_assert_false (
      nal_units_inspect (bytes->data, bytes->len, FALSE, 4, &summary));
  put (bytes, 4, 0x41, 9);
  g_assert_true (
      nal_units_inspect (bytes->data, bytes->len, FALSE, 4, &summary));
  g_assert_false (summary.key);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nal-units/types", test_types);
  g_test_add_func ("/nal-units/strip", test_strip);
  g_test_add_func ("/nal-units/truncated", test_truncated);
  g_test_add_func ("/nal-units/absurd-lengths", test_absurd_lengths);
  g_test_add_func ("/nal-units/no-picture", test_no_picture);
  return g_test_run ();
}
