"""The engine, and what every word needs: the portal's row, runs, failures, companies, the feed's log."""
