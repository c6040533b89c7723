"""What is still owed to the portal's receiver and to mail boxes."""
