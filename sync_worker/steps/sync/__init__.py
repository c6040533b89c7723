"""The way of a record between CRM and portal: `ingest` reads, `push` writes."""
