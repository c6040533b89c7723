"""A deal's way in the portal: registered, moved, decided, quoted, sold, expired."""
