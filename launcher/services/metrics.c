/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void
metrics_begin (
    GString *text, const char *name, const char *type, const char *help)
{
  g_string_append_printf (
      text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
append_escaped (GString *text, const char *value)
{
  for (; *value != '\0'; value++) {
    if (*value == '\n')
      g_string_append (text, "\\n");
    else if (*value == '\\' || *value == '"')
      g_string_append_printf (text, "\\%c", *value);
    else
      g_string_append_c (text, *value);
  }
}

void
metrics_add (GString *text, const char *name, double value, ...)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  const char *separator = "{";
  const char *label;
  va_list labels;

  g_string_append (text, name);
  va_start (labels, value);
  while ((label = va_arg (labels, const char *)) != NULL) {
    g_string_append_printf (text, "%s%s=\"", separator, label);
    append_escaped (text, va_arg (labels, const char *));
    g_string_append_c (text, '"');
    separator = ",";
  }
  va_end (labels);
  if (*separator == ',')
    g_string_append_c (text, '}');
  g_string_append_printf (
      text, " %s\n", g_ascii_formatd (number, sizeof number, "%.17g", value));
}

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

static guint
count_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  /* The folder itself is one of them. */
  return n > 0 ? n - 1 : 0;
}

static double
get_start_time (void)
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

void
metrics_add_process (GString *text)
{
  struct rusage usage;
  struct rlimit files;

  getrusage (RUSAGE_SELF, &usage);
  getrlimit (RLIMIT_NOFILE, &files);
  metrics_begin (text, "process_cpu_seconds_total", "counter",
      "Processor time of this process, in seconds.");
  metrics_add (text, "process_cpu_seconds_total",
      usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
          (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
      NULL);
  metrics_begin (text, "process_resident_memory_bytes", "gauge",
      "Resident memory of this process.");
  metrics_add (text, "process_resident_memory_bytes",
      (double)read_stat (24) * sysconf (_SC_PAGESIZE), NULL);
  metrics_begin (text, "process_open_fds", "gauge", "File descriptors in use.");
  metrics_add (text, "process_open_fds", count_files (), NULL);
  metrics_begin (
      text, "process_max_fds", "gauge", "File descriptors that may be in use.");
  metrics_add (text, "process_max_fds", (double)files.rlim_cur, NULL);
  metrics_begin (text, "process_start_time_seconds", "gauge",
      "Start of this process, in seconds since 1970.");
  metrics_add (text, "process_start_time_seconds", get_start_time (), NULL);
}
