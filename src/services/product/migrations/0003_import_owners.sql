-- Who runs an import, and until when it is believed to (Unix seconds): another process takes up what was left.
ALTER TABLE imports ADD COLUMN owner TEXT;
ALTER TABLE imports ADD COLUMN owned_until BIGINT;
