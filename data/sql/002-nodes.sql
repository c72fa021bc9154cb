-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- What nodes tell of themselves, and how long recordings are kept.

-- One row a node, written anew every few seconds. Worth nothing after a crash of
-- the database, so not logged.
CREATE UNLOGGED TABLE wishcast.node (
  name text PRIMARY KEY,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  report jsonb NOT NULL -- openapi.json, "NodeReport"
);

ALTER TABLE wishcast.game ADD COLUMN recording_kept interval
  NOT NULL DEFAULT '7 days' CHECK (recording_kept >= interval '0');

ALTER TABLE wishcast.broadcast ADD COLUMN recording_expires timestamptz;
UPDATE wishcast.broadcast SET recording_expires =
    ended_at + (SELECT recording_kept FROM wishcast.game WHERE id = game)
  WHERE state = 'ended';

-- Fixed at the end, so that what a page has promised holds.
CREATE FUNCTION wishcast.set_recording_expires () RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> 'ended' THEN
    NEW.recording_expires := NULL;
  ELSIF NEW.recording_expires IS NULL THEN
    NEW.recording_expires := NEW.ended_at +
      (SELECT recording_kept FROM wishcast.game WHERE id = NEW.game);
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER set_recording_expires BEFORE INSERT OR UPDATE
  ON wishcast.broadcast
  FOR EACH ROW EXECUTE FUNCTION wishcast.set_recording_expires ();

CREATE OR REPLACE FUNCTION wishcast.broadcast_json (b wishcast.broadcast)
RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object (
    'link', b.link,
    'id', b.id,
    'game', jsonb_build_object ('id', g.id, 'title', g.title),
    'broadcaster', r.name,
    'rank', r.rank,
    'title', b.title,
    'state', b.state,
    'visibility', b.visibility,
    'node', b.node,
    'createdAt', wishcast.json_time (b.created_at),
    'startedAt', wishcast.json_time (b.started_at),
    'resumeUntil', wishcast.json_time (b.resume_until),
    'endedAt', wishcast.json_time (b.ended_at),
    'endReason', b.end_reason,
    'recordingExpires', wishcast.json_time (b.recording_expires),
    'watch', '/watch/' || b.link,
    'playlist', '/live/' || b.link || '/master.m3u8',
    'poster', '/live/' || b.link || '/poster.jpg')
  FROM wishcast.game g
  LEFT JOIN wishcast.broadcaster r ON r.id = b.broadcaster
  WHERE g.id = b.game
$$;
