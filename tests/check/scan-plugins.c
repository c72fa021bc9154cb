/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/gst.h>

/* Writes the registry that the environment names. */
int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  return 0;
}
