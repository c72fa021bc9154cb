/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* nginxchild NGINX-DIR PREFIX PORT [UID]: has a private nginx, as user UID,
 * until somebody kills it. Writes one byte to its standard output when nginx is
 * there. */

#include <stdlib.h>
#include <unistd.h>

#include "privatenginx.h"

int
main (int argc, char **argv)
{
  g_autofree char *template = NULL, *www = NULL;
  g_autoptr (GError) error = NULL;
  PrivateNginxSettings settings = {0};

  g_assert_cmpint (argc, >=, 4);
  if (argc > 4)
    g_assert_cmpint (setuid ((uid_t)atoi (argv[4])), ==, 0);
  template = g_build_filename (argv[1], "node.conf.in", NULL);
  www = g_build_filename (argv[1], "..", "www", NULL);
  settings = (PrivateNginxSettings){
      .template = template,
      .prefix = argv[2],
      .www = www,
      .address = "127.0.0.1",
      .port = (guint16)atoi (argv[3]),
  };
  /* Not freed: nobody ends this but by a signal. */
  private_nginx_start (&settings, &error);
  g_assert_no_error (error);
  g_assert_cmpint (write (STDOUT_FILENO, ".", 1), ==, 1);
  pause ();
  return 0;
}
