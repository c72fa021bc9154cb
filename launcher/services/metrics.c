/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics.h"

#include <sys/resource.h>

#include "processstat.h"

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

void
metrics_add_process (GString *text)
{
  struct rlimit files;

  getrlimit (RLIMIT_NOFILE, &files);
  metrics_begin (text, "process_cpu_seconds_total", "counter",
      "Processor time of this process, in seconds.");
  metrics_add (text, "process_cpu_seconds_total", process_get_cpu (), NULL);
  metrics_begin (text, "process_resident_memory_bytes", "gauge",
      "Resident memory of this process.");
  metrics_add (text, "process_resident_memory_bytes",
      (double)process_get_memory (), NULL);
  metrics_begin (text, "process_open_fds", "gauge", "File descriptors in use.");
  metrics_add (text, "process_open_fds", count_files (), NULL);
  metrics_begin (
      text, "process_max_fds", "gauge", "File descriptors that may be in use.");
  metrics_add (text, "process_max_fds", (double)files.rlim_cur, NULL);
  metrics_begin (text, "process_start_time_seconds", "gauge",
      "Start of this process, in seconds since 1970.");
  metrics_add (
      text, "process_start_time_seconds", process_get_start_time (), NULL);
}
