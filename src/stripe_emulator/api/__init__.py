"""What all API calls have in common."""
