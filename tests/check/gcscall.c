/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call of the client of Google Cloud Storage, for tests/e2e:
 *
 *     gcscall ENDPOINT KEY-FILE check
 *     gcscall ENDPOINT KEY-FILE stat NAME
 *     gcscall ENDPOINT KEY-FILE list PREFIX
 *     gcscall ENDPOINT KEY-FILE delete NAME
 *     gcscall ENDPOINT KEY-FILE sign NAME SECONDS DISPOSITION
 *     gcscall ENDPOINT KEY-FILE compose NAME GENERATION SOURCE...
 *
 * of the bucket named "bucket", with the credentials of KEY-FILE, or of the
 * machine if that is "machine", whose metadata server and signing service are at
 * ENDPOINT, too, or nobody's if it is "-". Prints what came of it; exits with 1
 * after an error. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "gcsbucket.h"
#include "gcscredentials-private.h"

static void
print_object (const GcsObject *object)
{
  char text[9] = "-";

  if (object->has_crc32c)
    crc32c_to_base64 (object->crc32c, text);
  printf ("%" G_GUINT64_FORMAT " %s\n", object->size, text);
}

static gboolean
check (GcsBucket *bucket, char **args, GError **error)
{
  g_autofree char *missing = NULL;

  (void)args;
  if (!gcs_bucket_check (bucket, &missing, NULL, error))
    return FALSE;
  printf ("%s\n", missing != NULL ? missing : "");
  return TRUE;
}

static gboolean
stat_object (GcsBucket *bucket, char **args, GError **error)
{
  GcsObject found;

  if (!gcs_bucket_stat (bucket, args[0], &found, NULL, error))
    return FALSE;
  print_object (&found);
  return TRUE;
}

static gboolean
list (GcsBucket *bucket, char **args, GError **error)
{
  g_auto (GStrv) names = gcs_bucket_list (bucket, args[0], NULL, error);

  for (char **name = names; name != NULL && *name != NULL; name++)
    printf ("%s\n", *name);
  return names != NULL;
}

static gboolean
delete_object (GcsBucket *bucket, char **args, GError **error)
{
  return gcs_bucket_delete (bucket, args[0], NULL, error);
}

static gboolean
sign (GcsBucket *bucket, char **args, GError **error)
{
  g_autofree char *address = gcs_bucket_sign (bucket, args[0],
      g_get_real_time (), atoi (args[1]), args[2], NULL, NULL, error);

  if (address != NULL)
    printf ("%s\n", address);
  return address != NULL;
}

static gboolean
compose (GcsBucket *bucket, char **args, GError **error)
{
  static const char *const metadata[] = {"link", "x", NULL};
  const GcsAttributes attributes = {
      .content_type = "video/mp4",
      .cache_control = "private",
      .custom_time = "2026-01-02T03:04:05Z",
      .metadata = metadata,
  };
  GcsObject made;

  if (!gcs_bucket_compose (bucket, (const char *const *)args + 2, args[0],
          g_ascii_strtoll (args[1], NULL, 10), &attributes, &made, NULL, error))
    return FALSE;
  print_object (&made);
  return TRUE;
}

static const struct {
  const char *name;
  gboolean (*run) (GcsBucket *bucket, char **args, GError **error);
  int least; /* arguments */
} commands[] = {
    {"check", check, 0},
    {"stat", stat_object, 1},
    {"list", list, 1},
    {"delete", delete_object, 1},
    {"sign", sign, 3},
    {"compose", compose, 3},
};

static GcsCredentials *
choose (const char *endpoint, const char *key, GError **error)
{
  if (g_str_equal (key, "-"))
    return gcs_credentials_new_anonymous ();
  if (g_str_equal (key, "machine"))
    return gcs_credentials_new_from_services (
        endpoint + strlen ("http://"), endpoint);
  return gcs_credentials_new_from_file (key, error);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (GcsCredentials) credentials = choose (argv[1], argv[2], error);
  const GcsBucketSettings settings = {
      .bucket = "bucket",
      .endpoint = argv[1],
      .credentials = credentials,
  };
  g_autoptr (GcsBucket) bucket = NULL;

  if (credentials == NULL)
    return FALSE;
  bucket = gcs_bucket_new (&settings, error);
  if (bucket == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (argv[3], commands[i].name) &&
        argc - 4 >= commands[i].least)
      return commands[i].run (bucket, argv + 4, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "no such call: %s", argv[3]);
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc < 4)
    return 64;
  if (run (argc, argv, &error))
    return 0;
  fprintf (stderr, "%s\n", error->message);
  return 1;
}
