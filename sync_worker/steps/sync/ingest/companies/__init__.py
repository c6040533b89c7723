"""Companies of one chunk: read, linked, merged, stored."""
