/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "processstat.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat, counted from 1 as proc(5) does. */
static guint64
read_stat (guint field)
{
  g_autofree char *stat = NULL;
  g_auto (GStrv) fields = NULL;
  const char *rest;

  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL))
    return 0;
  /* The name of the program, the second, may have anything in it. */
  rest = strrchr (stat, ')');
  if (rest == NULL)
    return 0;
  fields = g_strsplit (rest + 2, " ", -1);
  return g_strv_length (fields) > field - 3
             ? g_ascii_strtoull (fields[field - 3], NULL, 10)
             : 0;
}

double
process_get_cpu (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

guint64
process_get_memory (void)
{
  return read_stat (24) * sysconf (_SC_PAGESIZE);
}

double
process_get_start_time (void)
{
  g_autofree char *stat = NULL;
  const char *boot;

  if (!g_file_get_contents ("/proc/stat", &stat, NULL, NULL))
    return 0;
  boot = strstr (stat, "\nbtime ");
  if (boot == NULL)
    return 0;
  return g_ascii_strtoull (boot + strlen ("\nbtime "), NULL, 10) +
         (double)read_stat (22) / sysconf (_SC_CLK_TCK);
}
