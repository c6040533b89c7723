"""Companies of one chunk: looked up, judged by the domain, written."""
