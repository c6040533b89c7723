"""What every address needs: authentication, pages, problems, shapes."""
