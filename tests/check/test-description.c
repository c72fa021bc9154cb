/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "description.h"

/* What a developer may call a broadcast, and what an attacker would. */
static const char *const nasty[] = {
    "plain",
    "",
    " ",
    "Half-Life 3: the end",
    "a ! fakesink",
    "\"",
    "\"\"",
    "\"quoted\"",
    "'",
    "Gordon's",
    "\\",
    "a\\",
    "\\\"",
    "a\\\" ! filesink location=x",
    "\" ! filesink location=x ! \"",
    "' ! filesink location=x ! '",
    "$",
    "${link}",
    "$(reboot)",
    "# no comment",
    "a # b",
    "two\nlines",
    "tab\tcr\r",
    "\x01\x7f",
    "NULL",
    "(string)x",
    "a,b=c;d",
    "{ x, y }",
    "( bin )",
    "x.",
    "x. !",
    "=",
    "\u00fcmlaut \U0001f3ae",
    "%s%n",
    "\\041",
};

static GHashTable *
make_variables (const char *name, const char *value)
{
  GHashTable *variables =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  g_hash_table_insert (variables, g_strdup (name), g_strdup (value));
  return variables;
}

static void
set (GHashTable *variables, const char *name, const char *value)
{
  g_hash_table_insert (variables, g_strdup (name), g_strdup (value));
}

/* @expanded has two elements; the location of the one called "it" is told. */
static void
assert_location (const char *expanded, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = description_parse ("f", expanded, &error);
  g_autoptr (GstElement) source = NULL;
  g_autofree char *location = NULL;

  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  g_assert_cmpint (GST_BIN_NUMCHILDREN (pipeline), ==, 2);
  source = gst_bin_get_by_name (GST_BIN (pipeline), "it");
  g_object_get (source, "location", &location, NULL);
  g_assert_cmpstr (location, ==, expected);
}

static void
assert_round_trip (const char *text, const char *value, const char *expected)
{
  g_autoptr (GHashTable) variables = make_variables ("value", value);
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded = description_expand ("f", text, variables, &error);

  g_assert_no_error (error);
  assert_location (expanded, expected);
}

/* Quotes around the value must end where they end, so another one follows. */
#define REST " name=it ! filesink location=\"a b\""

static void
test_description_values_stay_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (nasty); i++) {
    g_autofree char *inside = g_strdup_printf ("a %s b", nasty[i]);
    g_autofree char *twice = g_strdup_printf ("%s%s", nasty[i], nasty[i]);

    assert_round_trip ("filesrc location=${value}" REST, nasty[i], nasty[i]);
    assert_round_trip (
        "filesrc location = ${value}\n" REST, nasty[i], nasty[i]);
    assert_round_trip (
        "filesrc location=\"${value}\"" REST, nasty[i], nasty[i]);
    assert_round_trip ("filesrc location='${value}'" REST, nasty[i], nasty[i]);
    assert_round_trip (
        "filesrc location=\"a ${value} b\"" REST, nasty[i], inside);
    assert_round_trip (
        "filesrc location=${value}${value}" REST, nasty[i], twice);
  }
}

static void
test_description_quote (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (nasty); i++) {
    g_autofree char *quoted = description_quote (nasty[i]);
    g_autofree char *text =
        g_strdup_printf ("filesrc location=%s" REST, quoted);

    assert_location (text, nasty[i]);
  }
}

static void
assert_expanded (const char *text, const char *expected)
{
  g_autoptr (GHashTable) variables = make_variables ("link", "abc");
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded = NULL;

  set (variables, "source", "a !\nb name=source");
  set (variables, "sink", "c name=sink\n! d");
  set (variables, "empty", "");
  set (variables, "nu", "NU");
  set (variables, "ll", "LL");
  expanded = description_expand ("f", text, variables, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (expanded, ==, expected);
}

static void
test_description_expand (void)
{
  assert_expanded ("", "");
  assert_expanded ("# all\n a # b\n#c", "\n a \n");
  assert_expanded ("a#b c=# d=\"# e\"", "a#b c=# d=\"# e\"");
  assert_expanded ("a b=\"x\"#c", "a b=\"x\"#c");
  assert_expanded ("${source}\n! c", "a ! b name=source\n! c");
  assert_expanded ("${source:-d ! e}", "a ! b name=source");
  assert_expanded ("${sink}\n! e", "c name=sink ! d\n! e");
  assert_expanded ("${sink:-d ! e}", "c name=sink ! d");
  assert_expanded ("${missing:-x}", "x");
  assert_expanded ("a b=${missing:-x y} c=${empty:-z}", "a b=\"x y\" c=z");
  assert_expanded ("a b=${nu}${ll}", "a b=\\\"NULL\\\"");
  assert_expanded ("a b=${missing:-NULL}", "a b=NULL");
  assert_expanded ("v,w=${link},h=(int)1", "v,w=abc,h=(int)1");
  assert_expanded ("v, w=${link}, h=1", "v, w=abc, h=1");
  assert_expanded ("${link}.video ! t.", "abc.video ! t.");
  assert_expanded (
      "a b=\\${link} c=\"\\${link}\"", "a b=\\${link} c=\"\\${link}\"");
  assert_expanded ("a b='x y'", "a b=\"x y\"");
  assert_expanded ("a b\n=\n${link}", "a b\n=\nabc");
  /* Not alone, it is a value like any other. */
  assert_expanded ("a b=x${source}", "a b=\\\"xa\\\\040\\\\041\\\\012b\\\\040"
                                     "name\\\\075source\\\"");
}

static void
test_description_refuses (void)
{
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"a\nb=${lnik}", "f:2: ${lnik} is not set. Is ${link} meant?"},
      {"a\n\n${elephant}", "f:3: ${elephant} is not set"},
      {"a b=${", "f:1: expected ${name} or ${name:-default} on one line, with "
                 "a name of a-z A-Z 0-9 - _"},
      {"a b=${}", "f:1: expected ${name} or ${name:-default} on one line, with "
                  "a name of a-z A-Z 0-9 - _"},
      {"a b=${link x}",
          "f:1: expected ${name} or ${name:-default} on one line, "
          "with a name of a-z A-Z 0-9 - _"},
      {"a b=${x:-\n}", "f:1: expected ${name} or ${name:-default} on one line, "
                       "with a name of a-z A-Z 0-9 - _"},
      {"a\n b=\"x\n\ny", "f:2: The quote \" is never closed"},
      {"a\nb=\"${link}\"x", "f:2: A value with a variable in it must be quoted "
                            "as a whole, with a space behind it"},
      {"a\nb=x\"${link}\"", "f:2: A value with a variable in it must be quoted "
                            "as a whole, with a space behind it"},
      {"a\n! v,w=${nasty} ! b",
          "f:2: The value of ${nasty} can stand here only if it has no other "
          "characters than A-Z a-z 0-9 _ - . : / +; any text can be behind a "
          "property="},
      {"${nasty}", "f:1: The value of ${nasty} can stand here only if it has "
                   "no other characters than A-Z a-z 0-9 _ - . : / +; any text "
                   "can be behind a property="},
      {"a b=${latin1}", "f:1: The value of ${latin1} is not UTF-8"},
  };
  g_autoptr (GHashTable) variables = make_variables ("link", "abc");

  set (variables, "nasty", "a ! b");
  set (variables, "latin1", "\xfc");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (description_expand ("f", cases[i].text, variables, &error));
    g_assert_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_VARIABLE);
    g_assert_cmpstr (error->message, ==, cases[i].expected);
  }
}

/* Values that do no harm where they can stand: caps are not broken out of. */
static void
test_description_caps (void)
{
  for (guint i = 2; i < G_N_ELEMENTS (nasty); i++) {
    g_autoptr (GHashTable) variables = make_variables ("value", nasty[i]);
    g_autoptr (GError) error = NULL;
    g_autofree char *expanded = description_expand ("f",
        "fakesrc ! video/x-raw, format=${value} ! fakesink", variables, &error);
    g_autoptr (GstElement) pipeline = NULL;

    g_assert_no_error (error);
    pipeline = description_parse ("f", expanded, NULL);
    if (pipeline == NULL)
      continue;
    gst_object_ref_sink (pipeline);
    g_assert_cmpint (GST_BIN_NUMCHILDREN (pipeline), ==, 3);
  }
}

static void
test_description_parse_refuses (void)
{
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"fakesrc\n! nosuch\n! fakesink",
          "f:2: no element \"nosuch\": its name is mistyped, or its plugin is "
          "not installed"},
      {"fakesrc num-buffers=1\n! fakesink name=s\nsizes=1",
          "f:3: no property \"sizes\" in element \"fakesink\""},
      {"fakesrc\n! identity\n  datarate=fast ! fakesink",
          "f:3: could not set property \"datarate\" in element \"identity\" "
          "to "
          "\"fast\""},
      {"fakesrc name=a\nfakesrc name=b\n!\na.", "f:2: could not link b to a"},
      {"fakesrc ! tee name=t\n\nt. ! fakesink u. ! fakesink",
          "f:3: No src-element named \"u\" - omitting link: none is "
          "called u"},
      {"fakesrc\n! fakesink\nt.",
          "f:3: unexpected reference \"t\" - ignoring: none is called t"},
      {"fakesrc !\n! fakesink",
          "f:2: syntax error: a ! stands where an element must"},
      {"fakesrc\n! queue\n!", "f:3: syntax error: an element must follow"},
      {"", "f:1: empty pipeline not allowed: an element must follow"},
      {"fakesrc\n! video/x-raw,,, ! fakesink",
          "f:2: could not parse caps \"video/x-raw,,,\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (description_parse ("f", cases[i].text, &error));
    g_assert_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_PIPELINE);
    g_test_message ("%s", error->message);
    g_assert_cmpstr (error->message, ==, cases[i].expected);
  }
}

static void
test_description_files (void)
{
  g_autofree char *dir = g_dir_make_tmp ("description-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "a.pipeline", NULL);
  g_autoptr (GHashTable) variables = make_variables ("n", "1");
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline =
      description_launch (path, variables, &error);
  g_autofree char *encoding =
      g_strdup_printf ("%s:2: expected text in UTF-8", path);

  g_assert_null (pipeline);
  g_assert_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "a\n\xff", -1, NULL));
  g_assert_null (description_launch (path, variables, &error));
  g_assert_error (error, DESCRIPTION_ERROR, DESCRIPTION_ERROR_FILE);
  g_assert_cmpstr (error->message, ==, encoding);
  g_clear_error (&error);
  g_assert_true (
      g_file_set_contents (path, "fakesrc num-buffers=${n}", -1, NULL));
  pipeline = description_launch (path, variables, &error);
  g_assert_no_error (error);
  g_assert_true (GST_IS_PIPELINE (pipeline));
  gst_object_ref_sink (pipeline);
  g_unlink (path);
  g_rmdir (dir);
}

static void
test_description_uses (void)
{
  g_assert_true (description_uses ("a b=${link}", "link"));
  g_assert_true (description_uses ("a b=${link:-x}", "link"));
  g_assert_false (description_uses ("a b=${links}", "link"));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (
      "/description/values-stay-values", test_description_values_stay_values);
  g_test_add_func ("/description/quote", test_description_quote);
  g_test_add_func ("/description/expand", test_description_expand);
  g_test_add_func ("/description/refuses", test_description_refuses);
  g_test_add_func ("/description/caps", test_description_caps);
  g_test_add_func (
      "/description/parse-refuses", test_description_parse_refuses);
  g_test_add_func ("/description/files", test_description_files);
  g_test_add_func ("/description/uses", test_description_uses);
  return g_test_run ();
}
