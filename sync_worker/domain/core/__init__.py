"""Values, companies, deals, people, and how two sides are merged."""
